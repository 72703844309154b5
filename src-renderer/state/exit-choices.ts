/** Members that offer a way to the internet, as one chooses among them. */
export interface ExitChoice {
  readonly member: string;
  /** Null while it is not connected. */
  readonly latencyMs: number | null;
}

/** The quickest first, and those that are not connected last, by name. Each once. */
export function exitChoices(
  members: readonly string[],
  peers: readonly { readonly name: string; readonly path: { readonly latencyMs: number | null } | null }[],
): readonly ExitChoice[] {
  const latencies = new Map(peers.map(({ name, path }) => [name, path?.latencyMs ?? null]));
  return [...new Set(members)]
    .map((member) => ({ member, latencyMs: latencies.get(member) ?? null }))
    .sort((one, other) => rank(one) - rank(other) || one.member.localeCompare(other.member));
}

/** In milliseconds; an hour for what is not connected. */
function rank({ latencyMs }: ExitChoice): number {
  return latencyMs ?? 3_600_000;
}
