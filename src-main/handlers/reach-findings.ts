/** What members elsewhere found at a router's ports, one line each, and what its owner can do. */
import { isPrivate, parseAddress } from "../../src-shared/address.ts";
import type { Finding } from "../../src-shared/finding.ts";
import { splitHostPort } from "../../src-shared/ids.ts";
import type { RouterReachStatus } from "../../src-shared/router-status.ts";
import type { RouterStatus } from "../../src-shared/status.ts";
import { transportNames } from "../../src-shared/status.ts";
import { bad, good, note } from "./findings.ts";

type Facts = Omit<RouterReachStatus, "findings">;
type DoorFacts = Facts["doors"][number];

/** Findings: what keeps others out first, then each port, then what is known besides. */
export function reachFindings(
  facts: Facts,
  router: Pick<RouterStatus, "publicAddresses" | "lanOnly">,
): readonly Finding[] {
  const answered = facts.asked.some((each) => each.answered);
  return [
    ...(router.lanOnly ? [privateFinding] : askedFindings(facts)),
    ...(answered ? facts.doors.map((door) => doorFinding(door, facts)) : []),
    ...(answered ? facts.untested.map(untestedFinding) : []),
    ...unknownFindings(facts, router),
    ...facts.seen.flatMap((seen) => seenFinding(seen, router)),
  ];
}

const privateFinding: Finding = {
  code: "reach-private",
  level: "bad",
  text: "All addresses of this router are private: nobody elsewhere reaches it.",
  advice: "Give it a public address: starmesh router --public HOST",
};

function askedFindings({ asked }: Facts): readonly Finding[] {
  const silent = asked.filter((each) => !each.answered);
  if (asked.length === 0)
    return [
      note(
        "reach-nobody",
        "Nobody can try from outside: no member is connected from elsewhere.",
        "Connect a member from another place, for example over a phone, and check again.",
      ),
    ];
  if (silent.length === 0) return [];
  const names = silent.map(({ name }) => name).join(", ");
  return [note("reach-silent", `Asked to try, and did not answer: ${names}.`, "Try again in a moment.")];
}

function doorFinding(door: DoorFacts, { doors }: Facts): Finding {
  const { state, reachedBy, missedBy } = door;
  const protocol = door.protocol === "udp" ? "UDP" : "TCP";
  const place = `${protocol} ${door.address}`;
  const port = splitHostPort(door.address)?.port ?? 0;
  switch (state) {
    case "reached":
      return good("reach-open", `${place} is reached from outside, by ${reachedBy.join(", ")}.`);
    case "partly":
      return note(
        "reach-partly",
        `${place} is reached from outside by ${reachedBy.join(", ")}, but not by ${missedBy.join(", ")}.`,
        "A firewall on their side may block it; other transports serve them then.",
      );
    case "missed": {
      const open = `Open ${protocol} port ${port} in the firewall of this machine, and forward it here where a gateway stands before it.`;
      const hasOther =
        protocol === "UDP" && doors.some((other) => other.protocol !== "udp" && other.reachedBy.length > 0);
      return bad(
        "reach-missed",
        `${place} from outside: not reached by ${missedBy.join(", ")}.`,
        hasOther ? `${open} Until then packets go over TCP, more slowly.` : open,
      );
    }
    case "refused":
      return bad(
        "reach-refused",
        `${place} from outside: refused, as where nobody listens.`,
        `A firewall refuses it, or the port leads to another machine: let ${protocol} port ${port} through to this one.`,
      );
    case "stranger":
      return bad(
        "reach-stranger",
        `${place} from outside: somebody else answers.`,
        "The address or the port leads to another machine: correct the public address, or the forwarding at the gateway.",
      );
    case "untried":
      return note(
        "reach-untried",
        `${place} was not tried from outside.`,
        "Members learn of a port when they connect: check again after they did.",
      );
  }
}

function untestedFinding(transport: Facts["untested"][number]): Finding {
  return note(
    "reach-untested",
    `${transportNames[transport]} has a port of its own, which answers nothing but its own links: nobody can try it.`,
    "Make sure that its UDP port is let through.",
  );
}

/** Public addresses that were given after the networks here were made. */
function unknownFindings(
  { recorded }: Facts,
  { publicAddresses }: Pick<RouterStatus, "publicAddresses">,
): readonly Finding[] {
  if (recorded.length === 0) return [];
  const unknown = publicAddresses.filter((address) => {
    const host = parseAddress(splitHostPort(address)?.host ?? "");
    return !recorded.includes(address) && (host === null || !isPrivate(host));
  });
  return unknown.map((address) =>
    note(
      "reach-unknown",
      `Members do not know this router by ${address}: they look for it at ${recorded.join(", ")}.`,
      "Nobody tried that address. Networks that are made from now on know it.",
    ),
  );
}

/** Nothing where others are told a name: what it leads to is not looked up here. */
function seenFinding(
  seen: string,
  { publicAddresses }: Pick<RouterStatus, "publicAddresses">,
): readonly Finding[] {
  const hosts = publicAddresses.map((address) => splitHostPort(address)?.host ?? "");
  if (hosts.includes(seen))
    return [good("reach-seen", `Seen from outside, this machine has the address ${seen}.`)];
  if (hosts.some((host) => parseAddress(host) === null)) return [];
  return [
    note(
      "reach-elsewhere",
      `Seen from outside, this machine has the address ${seen}, of which others are not told.`,
      "Forward the ports to this machine where a gateway stands before it, and give that address: starmesh router --public HOST",
    ),
  ];
}
