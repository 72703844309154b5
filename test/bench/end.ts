/** One end of a pair of data planes without engines, in a host of the laboratory. */
import { generateKeyPairSync } from "node:crypto";
import { bundle } from "../netns/bundle.mjs";
import type { Child, Host } from "../netns/host.ts";
import type { EndOptions } from "./data-plane.ts";

/** Starts the end and waits until it listens. */
export async function startEnd(host: Host, options: EndOptions): Promise<Child> {
  const program = await bundle("test/bench/data-plane.ts");
  const child = host.start(process.execPath, [program, JSON.stringify(options)]);
  await child.says(/ready/);
  return child;
}

export interface Keys {
  readonly privateKey: string;
  readonly publicKey: string;
}

export function makeKeys(): Keys {
  const jwk = generateKeyPairSync("x25519").privateKey.export({ format: "jwk" });
  const standard = (text: string | undefined) => Buffer.from(text ?? "", "base64url").toString("base64");
  return { privateKey: standard(jwk.d), publicKey: standard(jwk.x) };
}

/** What the options of an end say of the two. */
export function ends(keys: Keys, peerKeys: Keys, host: Host, peer: Host) {
  return {
    privateKey: keys.privateKey,
    peerKey: peerKeys.publicKey,
    address: inner(host),
    peerAddress: inner(peer),
    peerEndpoint: `${peer.address}:${port}`,
  };
}

/** Address inside the tunnel: the host's with a first octet that nothing outside has. */
export function inner(host: Host): string {
  return host.address.replace(/^\d+\.\d+\./, "10.99.");
}

export const port = 7743;
