/** Names of a network's machines and things: what an administrator writes by hand, and how it is shown. */
import { z } from "zod";
import { formatAddress, parseAddress } from "./address.ts";

/** A name below a network's own, as it is asked for: `printer`, `www.office`; letters, digits, hyphens (RFC 1123). */
export const relativeName = z
  .string()
  .max(180)
  .transform((text) => text.toLowerCase())
  .refine(isHostName, "write a name of letters, digits and hyphens, like printer or www.office");

const address = z
  .string()
  .max(45)
  .transform((text) => {
    const parsed = parseAddress(text);
    return parsed === null ? text : formatAddress(parsed);
  })
  .refine((text) => parseAddress(text) !== null, "not an address");

/** One line written by hand: a name with an address, or another name of something in the same network. */
export const nameEntry = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("address"), name: relativeName, address }),
  z.object({ kind: z.literal("alias"), name: relativeName, of: relativeName }),
]);
export type NameEntry = z.infer<typeof nameEntry>;

/** Most lines that a network's administrators may write by hand; they fit one signed entry. */
export const mostNameEntries = 1000;

/** How names are looked up on this machine: what its programs ask. */
export const namesWay = z.enum([
  /** Nothing of the machine is changed; whoever wants to may ask the server. */
  "off",
  /** No packets flow here, so there is no server. */
  "none",
  /** systemd-resolved sends the network's names to the server, and everything else where it did. */
  "resolved",
  /** The system sends the network's names to the server by rules of its own, and everything else where it did. */
  "domains",
  /** The first server of `/etc/resolv.conf` is ours and passes other names on to those below it. */
  "file",
  /** Setting it up failed. */
  "failed",
]);

/** The names of one network as this machine has them. */
export const namesStatus = z.object({
  network: z.string(),
  /** What all names end in: `home.mesh`. */
  domain: z.string(),
  /** Address that answers for them on this machine; null without one. */
  server: z.string().nullable(),
  way: namesWay,
  /** Why the way is `failed`; null otherwise. */
  reason: z.string().nullable(),
  names: z.array(
    z.object({
      /** `printer.home.mesh`. */
      name: z.string(),
      addresses: z.array(z.string()),
      /** The name that this is another one of; null for an address. */
      alias: z.string().nullable(),
      /** Written by an administrator; else it is a member's. */
      byHand: z.boolean(),
    }),
  ),
});
export type NamesStatus = z.infer<typeof namesStatus>;

/** Whether a text is a host name: labels of letters, digits and inner hyphens, at most 63 each. */
export function isHostName(text: string): boolean {
  return text.split(".").every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(label));
}
