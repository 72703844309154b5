/** `node.json`: the node's key, its name and port, kept over restarts. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { fromBase64, toBase64 } from "../../src-shared/bytes.ts";
import { nodeName } from "../../src-shared/ids.ts";
import type { System } from "../system/system.ts";
import type { SigningKey } from "./crypto.ts";
import { signingKey } from "./crypto.ts";
import type { StoredNode } from "./stored.ts";
import { storedNode } from "./stored.ts";
import { readVersioned, writeVersioned } from "./versioned-file.ts";

/** Read once; what changes is on disk before it counts. */
export class NodeFile {
  readonly identity: SigningKey;
  readonly #path: string;
  #current: StoredNode;

  /** The folder's node, or a fresh one named like the machine. Throws `state-unreadable`. */
  constructor(folder: string, system: Pick<System, "hostName">) {
    this.#path = join(folder, "node.json");
    const kept = readVersioned(this.#path, storedNode);
    this.#current = kept ?? freshNode(system);
    if (kept === null) writeVersioned(this.#path, this.#current);
    this.identity = signingKey(fromBase64(this.#current.seed) ?? new Uint8Array(32));
  }

  get current(): StoredNode {
    return this.#current;
  }

  /** Throws `state-not-writable`. */
  keep(change: Partial<StoredNode>): void {
    this.#current = { ...this.#current, ...change };
    writeVersioned(this.#path, this.#current);
  }
}

function freshNode(system: Pick<System, "hostName">): StoredNode {
  const name = nodeName.safeParse(system.hostName());
  return {
    version: 1,
    seed: toBase64(randomBytes(32)),
    name: name.success ? name.data : "node",
    port: null,
  };
}
