/** Errors on demand: a name such as `fail:port-in-use` or `fail.port-in-use` makes the call fail with that code. */

import type { ErrorCode, ErrorData } from "../../src-shared/errors.ts";
import { AppError, errorKinds, isErrorCode } from "../../src-shared/errors.ts";

/** Throws where one of the texts asks for it. */
export function failOnDemand(...texts: readonly (string | undefined)[]): void {
  for (const text of texts) {
    const code = /^fail[:.]([a-z-]+)$/.exec(text ?? "")?.[1];
    if (code !== undefined && isErrorCode(code)) throw sampleError(code);
  }
}

/** An error of a kind, its places filled with something plausible. */
export function sampleError(code: ErrorCode): AppError {
  const places = [...errorKinds[code].text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "");
  return new AppError(code, Object.fromEntries(places.map((place) => [place, samples[place] ?? place])));
}

const samples: ErrorData = {
  action: "add a route",
  address: "10.31.0.7",
  addresses: "198.51.100.7:7743",
  call: "apps.list",
  detail: "disk full",
  devices: "atlas",
  file: "networks.json",
  folder: "/var/lib/starmesh",
  interface: "eth0",
  list: "home-lab, home-office",
  local: "10.31.0.0/24",
  logs: "/var/log/starmesh",
  name: "home-lab",
  network: "home-lab",
  owner: "nas",
  pid: 4711,
  port: 7743,
  range: "10.31.0.0/16",
  router: "198.51.100.7:7743",
  what: "The answer",
};
