/** The way to the internet through a member: what was chosen, and what acts now. */
import { z } from "zod";
import { parsePrefix } from "./address.ts";
import { identityKey } from "./ids.ts";

const prefix = z
  .string()
  .max(49)
  .refine((text) => parsePrefix(text) !== null, { message: "write a prefix like 203.0.113.0/24" });

/**
 * What happens while the exit does not answer, and when Starmesh is killed. `strict`: nothing leaves by another way until the
 * exit is switched off or Starmesh is stopped; `convenient`: everything goes the ordinary way meanwhile.
 */
export const killSwitch = z.enum(["strict", "convenient"]);

/** What was chosen for a network. */
export const exitChoice = z.object({
  /** The member through which it goes. */
  identity: identityKey,
  killSwitch: killSwitch.default("convenient"),
  /** What this machine is directly connected to is reached as ever. */
  lan: z.boolean().default(true),
  /** These prefixes alone go through the member; empty: everything. */
  only: z.array(prefix).max(256).default([]),
  /** Everything but these. */
  except: z.array(prefix).max(256).default([]),
});
export type ExitChoice = z.infer<typeof exitChoice>;

/** A program of this machine that goes to the internet past the exit, with all that it started. */
export const outsideProgram = z.object({
  /** Number of the process that asked for it. */
  process: z.int().min(1),
  /** Its name, as the system keeps it. */
  program: z.string(),
});
export type OutsideProgram = z.infer<typeof outsideProgram>;

/** What acts now. */
export const exitState = z.enum([
  /** Everything goes the ordinary way: nothing was chosen. */
  "off",
  /** What was chosen goes through the member. */
  "active",
  /** The member does not answer: everything goes the ordinary way (convenient). */
  "ordinary",
  /** The member does not answer: nothing gets out (strict). */
  "blocked",
  /** This machine could not be set up for it. */
  "failed",
]);

export const exitStatus = z.object({
  state: exitState,
  /** What was chosen; null: nothing. */
  chosen: exitChoice.omit({ identity: true }).extend({ network: z.string(), member: z.string() }).nullable(),
  /** Why it is `failed`; null otherwise. */
  reason: z.string().nullable(),
  /** What goes past it. Empty while nothing is chosen. */
  outside: z.array(outsideProgram),
  /** Members that may be chosen: an administrator granted it, and they offer it. */
  offers: z.array(
    z.object({ network: z.string(), member: z.string(), ipv4: z.boolean(), ipv6: z.boolean() }),
  ),
});
export type ExitStatus = z.infer<typeof exitStatus>;
