/** What a system answers on which Starmesh is no gateway and leads nobody out yet. */
import { connect } from "node:net";
import { AppError } from "../../src-shared/errors.ts";
import type { System } from "./system.ts";

/** Forwarding, foreign firewalls, the way out and marks of a system by its name; what was never done is undone at once. */
export function noGateway(
  name: string,
): Pick<
  System,
  | "setting"
  | "changeSetting"
  | "setPassage"
  | "firewalls"
  | "openFirewalls"
  | "closeFirewalls"
  | "watchFirewalls"
  | "setExit"
  | "removeExit"
  | "openOutside"
  | "enterOutside"
  | "outside"
  | "leaveOutside"
  | "closeOutside"
  | "connectMarked"
> {
  const refuse = (action: string): never => {
    throw new AppError("system-refused", { action, detail: `Starmesh cannot do that on ${name} yet` });
  };
  return {
    setting: () => null,
    changeSetting: async () => refuse("forward packets between networks"),
    setPassage: async (_, sites) =>
      sites === null ? undefined : refuse("let packets pass between networks"),
    // Nothing passes through here that they could drop.
    firewalls: async () => [],
    openFirewalls: async () => undefined,
    closeFirewalls: async () => undefined,
    watchFirewalls: () => ({ close: () => undefined }),
    setExit: async () => refuse("send what goes to the internet through a member"),
    removeExit: async () => undefined,
    openOutside: async () => refuse("let a program go past the exit"),
    enterOutside: async () => refuse("let a program go past the exit"),
    outside: async () => [],
    leaveOutside: async () => undefined,
    closeOutside: async () => undefined,
    // No marks here: what carries the networks never goes through them, since there is no way out through a member.
    connectMarked: (target) => connect({ ...target, noDelay: true }),
  };
}
