/** IPv6 addresses of fake members. */

/** An IPv6 address to show beside an IPv4 one. */
export function fakeUla(address: string): string {
  const bytes = address.split(".").map((part) => Number(part).toString(16).padStart(2, "0"));
  return `fd5a:17e0:c4d1::${bytes.slice(0, 2).join("")}:${bytes.slice(2).join("")}`;
}

/** The prefix of all of them. */
export const fakeUlaPrefix = "fd5a:17e0:c4d1::/48";
