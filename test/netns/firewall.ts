/** Firewalls of the kind that people sit behind: only what is named passes a NAT, in both directions. */
import type { Nat } from "./lab.ts";

let firewalls = 0;

/** Drops without a word what does not match one of these, from now on, flows that run already too; answers how to lift it. */
export function letPassOnly(nat: Nat, ...passes: readonly string[]): () => void {
  return filter(
    nat,
    "drop",
    passes.map((each) => `${each} accept`),
  );
}

/** Drops without a word what matches. Answers how to lift it. */
export function dropAll(nat: Nat, match: string): () => void {
  return filter(nat, "accept", [`${match} drop`]);
}

function filter({ host }: Nat, policy: "accept" | "drop", rules: readonly string[]): () => void {
  const table = `firewall${++firewalls}`;
  const chain = `type filter hook forward priority filter - 1; policy ${policy};`;
  host.nftables(`table inet ${table} {\nchain pass {\n${[chain, ...rules].join("\n")}\n}\n}`);
  return () => host.nftables(`delete table inet ${table}`);
}

/** What Docker makes of a machine that forwards nothing else. */
export const dockerRules = `table ip filter {
  chain DOCKER-USER {
  }
  chain FORWARD {
    type filter hook forward priority filter; policy drop;
    jump DOCKER-USER
  }
}
`;
