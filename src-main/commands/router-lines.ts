/** Lines about the ports of a router: by what it is reached, and which ports are networks of their own. */
import { joinHostPort, splitHostPort } from "../../src-shared/ids.ts";
import { firstFree, formatPorts } from "../../src-shared/plane.ts";
import type { RouterTransportStatus } from "../../src-shared/router-status.ts";
import type { RouterStatus } from "../../src-shared/status.ts";
import { formatCount } from "./format.ts";

/** Where each transport listens, and which do not: one line. */
export function transportLine({ transports }: RouterStatus): string {
  return transports.map(transportWords).join(", ");
}

/** One line for each transport that shall be on and is not. */
export function transportTroubles({ transports }: RouterStatus): readonly string[] {
  return transports
    .filter(({ state }) => state === "busy" || state === "failed")
    .map(({ transport, state, listen, detail }) =>
      state === "busy"
        ? `${transport} is off: ${listen ?? "its port"} is in use by another program.`
        : `${transport} is off: ${detail ?? "it could not be opened"}.`,
    );
}

/** The range of ports, the line that joins at one, what is busy and who is there. */
export function planeLines({ planes, publicAddresses }: RouterStatus): readonly string[] {
  if (planes === null) return [];
  const { bind, nums, token, open, busy, used } = planes;
  const host = splitHostPort(publicAddresses[0] ?? "")?.host ?? "HOST";
  const members = used.map(
    ({ port, members: count, online }) => `${port} (${formatCount(count, "member")}, ${online} online)`,
  );
  return [
    `${formatPorts(Array.from({ length: nums }, (_, at) => bind + at))}: ${formatCount(open, "network")}, one at each port`,
    `starmesh join ${joinHostPort(host, firstFree(planes))} --secret ${token}`,
    ...(busy.length === 0 ? [] : [`in use by other programs and left out: ${formatPorts(busy)}`]),
    ...(members.length === 0 ? [] : [`joined: ${members.join(", ")}`]),
  ];
}

function transportWords({ transport, state, listen }: RouterTransportStatus): string {
  if (state !== "listening") return `${transport} ${state}`;
  return listen === null ? transport : `${transport} ${listen}`;
}
