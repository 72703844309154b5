import { beforeEach, describe, expect, it } from "vitest";
import { TcpLinks } from "../../../src-main/engine/tcp-links.ts";

const remote = "tcp/203.0.113.2:7743";
let calls: string[];
let busy: number[];
let links: TcpLinks;

beforeEach(() => {
  calls = [];
  busy = [];
  links = new TcpLinks({
    dataPlane: {
      listenLinks: (_socket, _transport, { port }) => {
        if (busy.includes(port)) throw Object.assign(new Error("in use"), { code: "EADDRINUSE" });
        calls.push(`listen ${port}`);
        return port;
      },
      connectLink: (_socket, to, { seconds }) => void calls.push(`connect ${to} ${seconds}`),
      stun: (_socket, server) => void calls.push(`stun ${server}`),
    },
    wishes: () => [7743, 7744],
    address: () => undefined,
  });
});

describe("[W21] TCP links", () => {
  it("listen once, on the next port where the first is taken, and not at all where none is free", () => {
    busy = [7743];
    expect([links.listen(), links.listen()]).toEqual([7744, 7744]);
    expect(calls).toEqual(["listen 7744"]);
    links.reset();
    busy = [7743, 7744];
    expect(links.listen()).toBeNull();
  });

  it("are opened once for all who ask for the same, and say whether they stand", async () => {
    const asked = [links.connect(remote, 5), links.connect(remote, 5)];
    links.handle({ kind: "link", socket: "main", remote, up: true });
    expect(await Promise.all(asked)).toEqual([true, true]);
    expect(calls).toEqual(["listen 7743", `connect ${remote} 5`]);
    const again = links.connect(remote, 5);
    links.handle({ kind: "link", socket: "main", remote, up: false });
    expect(await again).toBe(false);
  });

  it("say where they are seen", async () => {
    const seen = links.seenBy(remote);
    links.handle({ kind: "mapped", socket: "main", server: "203.0.113.2:7743", address: "203.0.113.1:1" });
    links.handle({ kind: "mapped", socket: "main", server: remote, address: "203.0.113.1:9000" });
    expect(await seen).toBe("203.0.113.1:9000");
  });

  it("end with the socket beside which they listen", async () => {
    const asked = links.connect(remote, 5);
    const seen = links.seenBy(remote);
    links.reset();
    expect(await Promise.all([asked, seen])).toEqual([false, null]);
    links.listen();
    expect(calls.filter((call) => call.startsWith("listen"))).toHaveLength(2);
  });
});
