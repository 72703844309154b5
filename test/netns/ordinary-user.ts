/** Programs of the project run by a user without rights, who can read it wherever it lies: it may be in root's own folder. */
import { root } from "./bundle.mjs";

const readable = "/mnt/starmesh";

/**
 * The command behind `unshare --mount` that runs one as the user of that number. Paths below the project's folder are
 * told as that user sees them.
 */
export function asUser(user: number, command: readonly string[]): readonly string[] {
  const seen = command.map((word) =>
    word.startsWith(`${root}/`) ? readable + word.slice(root.length) : word,
  );
  const rights = ["setpriv", "--reuid", `${user}`, "--clear-groups", "--no-new-privs"];
  return ["sh", "-c", script, root, ...rights, ...seen];
}

const script = `mount -t tmpfs none /mnt && mkdir ${readable} && mount --bind "$0" ${readable} && cd / && exec "$@"`;
