/** `/etc/resolv.conf` (resolv.conf(5)): whose servers it names, and the same text with a server of ours before them. */

/** Addresses of the servers that a file names, in its order, without ours; this machine itself where it names none. */
export function nameServers(text: string): readonly string[] {
  const named = withoutServer(text)
    .split("\n")
    .flatMap((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? []);
  return named.length === 0 ? [localServer] : named;
}

/** Whether our server is the first. */
export function hasServer(text: string, server: string): boolean {
  return text === withServer(text, server);
}

/** The text with our server before all others, which stay: should ours be gone, they are asked. */
export function withServer(text: string, server: string): string {
  const rest = withoutServer(text);
  const others = /^\s*nameserver\s/m.test(rest) ? [] : [`nameserver ${localServer}`];
  return [firstLine, `nameserver ${server}`, ...others, lastLine, rest].join("\n");
}

/** The text as it is without a server of ours, whatever else has been written into it since. */
export function withoutServer(text: string): string {
  const lines = text.split("\n");
  for (let at = lines.indexOf(firstLine); at >= 0; at = lines.indexOf(firstLine)) {
    const last = lines.indexOf(lastLine, at);
    // Where the end is missing, the first line alone is surely ours.
    lines.splice(at, last < 0 ? 1 : last - at + 1);
  }
  return lines.join("\n");
}

const localServer = "127.0.0.1";
const firstLine = "# Starmesh answers first while it runs, and asks the servers below for all other names.";
const lastLine = "# End of what Starmesh wrote.";
