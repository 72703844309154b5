/** Mapped ports: kept in `port-maps.json`, opened by the data plane from start to stop. */
import { join } from "node:path";
import { z } from "zod";
import type { DataPlane } from "../../drivers/dataplane.ts";
import { AppError } from "../../src-shared/errors.ts";
import { splitHostPort } from "../../src-shared/ids.ts";
import type { KeptPortMap, PortMap, PortMapStatus } from "../../src-shared/port-map.ts";
import { keptPortMap, mostPortMaps } from "../../src-shared/port-map.ts";
import { readVersioned, writeVersioned } from "./versioned-file.ts";

const keptPortMaps = z.object({ version: z.literal(1), maps: z.array(keptPortMap).max(mostPortMaps) });

type Opened = { readonly number: number } | { readonly problem: string };

export class PortMaps {
  readonly #path: string;
  readonly #dataPlane: Pick<DataPlane, "mapPort" | "unmapPort">;
  #kept: readonly KeptPortMap[];
  readonly #opened = new Map<number, Opened>();

  /** Nothing is open before `open`. Throws `state-unreadable`. */
  constructor(folder: string, dataPlane: Pick<DataPlane, "mapPort" | "unmapPort">) {
    this.#path = join(folder, "port-maps.json");
    this.#dataPlane = dataPlane;
    this.#kept = readVersioned(this.#path, keptPortMaps)?.maps ?? [];
  }

  /** Opens what is kept and not open; one that cannot be says why in the list. */
  open(): void {
    for (const map of this.#kept) {
      const opened = this.#opened.get(map.id);
      if (opened === undefined || "problem" in opened) this.#opened.set(map.id, this.#tryOpen(map));
    }
  }

  list(): PortMapStatus[] {
    return this.#kept.map((map) => {
      const opened = this.#opened.get(map.id);
      return { ...map, problem: opened === undefined || "number" in opened ? null : opened.problem };
    });
  }

  /** Opens and keeps it; one that is there already is tried again. Throws `port-in-use`, `usage`, `system-refused`. */
  add(map: PortMap): PortMapStatus {
    const same = this.#kept.find((each) => each.protocol === map.protocol && each.listen === map.listen);
    if (same !== undefined && same.target !== map.target)
      throw new AppError("port-in-use", { port: splitHostPort(map.listen)?.port ?? 0 });
    if (same === undefined && this.#kept.length >= mostPortMaps)
      throw new AppError("usage", { detail: `This machine maps ${mostPortMaps} ports already.` });
    const kept = same ?? { id: Math.max(0, ...this.#kept.map(({ id }) => id)) + 1, ...map };
    const before = this.#opened.get(kept.id);
    if (before === undefined || "problem" in before) this.#opened.set(kept.id, { number: this.#open(kept) });
    if (same === undefined) {
      try {
        this.#keep([...this.#kept, kept]);
      } catch (error) {
        this.#close(kept.id);
        throw error;
      }
    }
    return { ...kept, problem: null };
  }

  /** Closes and forgets it, with its connections. Throws `unknown-port-map`. */
  remove(id: number): void {
    if (!this.#kept.some((map) => map.id === id)) throw new AppError("unknown-port-map", { id });
    this.#keep(this.#kept.filter((map) => map.id !== id));
    this.#close(id);
  }

  #tryOpen(map: KeptPortMap): Opened {
    try {
      return { number: this.#open(map) };
    } catch (error) {
      return { problem: error instanceof Error ? error.message : String(error) };
    }
  }

  #open({ protocol, listen, target }: KeptPortMap): number {
    try {
      return this.#dataPlane.mapPort({ protocol, listen, target });
    } catch (error) {
      throw refusal(error, listen);
    }
  }

  #close(id: number): void {
    const opened = this.#opened.get(id);
    this.#opened.delete(id);
    if (opened !== undefined && "number" in opened) this.#dataPlane.unmapPort(opened.number);
  }

  #keep(maps: readonly KeptPortMap[]): void {
    const kept: z.infer<typeof keptPortMaps> = { version: 1, maps: [...maps] };
    writeVersioned(this.#path, kept);
    this.#kept = kept.maps;
  }
}

/** What the system says, in words that help. */
function refusal(error: unknown, listen: string): unknown {
  if (!(error instanceof Error) || !("code" in error)) return error;
  const { host = "", port = 0 } = splitHostPort(listen) ?? {};
  switch (error.code) {
    case "EADDRINUSE":
      return new AppError("port-in-use", { port });
    case "EADDRNOTAVAIL":
      return new AppError("usage", { detail: `This machine has no address ${host}.` });
    case "EACCES":
      return new AppError("usage", {
        detail: `Port ${port} is open to the administrator only: choose one above 1023, or run Starmesh as root.`,
      });
    default:
      return new AppError("system-refused", { action: `open ${listen}`, detail: error.message });
  }
}
