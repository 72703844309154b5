/** What users see of a network's policy. */
import { z } from "zod";
import { policy } from "./policy.ts";

/** Everybody in `from` loses and gains the same towards everybody in `to`. */
export const policyChange = z.object({
  /** Names of members, and prefixes outside of the network. */
  from: z.array(z.string()),
  to: z.array(z.string()),
  /** Services as in rules: `tcp:22,80-90`, `icmp`, `any`. */
  lost: z.array(z.string()),
  gained: z.array(z.string()),
});

/** What another policy would do. */
export const policyPlan = z.object({
  changes: z.array(policyChange),
  /** How many changes more there are than are listed. */
  more: z.number(),
  /** Members that this machine would lose touch with in some way: such a policy is set on trial. */
  cutsOff: z.array(z.string()),
  /** Names that are nobody's yet: whoever joins under one is meant. */
  unbound: z.array(z.string()),
});
export type PolicyPlan = z.infer<typeof policyPlan>;

/** The policy of a network as it counts now. */
export const policyStatus = z.object({
  network: z.string(),
  /** 0: none was ever set, everything is let in. */
  version: z.number(),
  policy,
  /** The same in YAML, to edit and to set again. */
  text: z.string(),
  setAt: z.iso.datetime().nullable(),
  /** Name of the device that set it; null: nobody did, or it is a member no more. */
  setBy: z.string().nullable(),
  /** Until when it is on trial; null: it is for good. */
  trialUntil: z.iso.datetime().nullable(),
  /** What was set last was tried and taken back. */
  rolledBack: z.boolean(),
  /** Names that are nobody's, and names that mean a member with another name now. */
  unbound: z.array(z.string()),
  renamed: z.array(z.object({ name: z.string(), now: z.string() })),
  /** This machine may set another. */
  admin: z.boolean(),
  /** This machine lets others in at all. */
  inbound: z.boolean(),
});
export type PolicyStatus = z.infer<typeof policyStatus>;

/** What becomes of one service between two ends. */
export const policyRuling = z.object({
  action: z.enum(["accept", "drop"]),
  /** One for each family of addresses that both ends have. */
  rulings: z.array(
    z.object({
      family: z.union([z.literal(4), z.literal(6)]),
      action: z.enum(["accept", "drop"]),
      /** Number of the rule that decides, from 1; null: none fits, the default does. */
      rule: z.number().nullable(),
      /** The rule, or the default, in one line. */
      line: z.string(),
    }),
  ),
  /** The target is this machine, and it lets nobody in. */
  refusesInbound: z.boolean(),
});
export type PolicyRuling = z.infer<typeof policyRuling>;
