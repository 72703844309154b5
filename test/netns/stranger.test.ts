import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { capture } from "./capture.ts";
import { dissect, protocols } from "./dissect.ts";
import { letPassOnly } from "./firewall.ts";
import type { Host } from "./host.ts";
import { Install, inviteIn } from "./install.ts";
import { Lab } from "./lab.ts";
import { ping } from "./traffic.ts";
import { waitUntil } from "./wait.ts";

// A router on the port of all web sites; somebody who only knows its address, and somebody on the way to it.
let lab: Lab;
let router: Install;
let stranger: Host;

beforeAll(async () => {
  lab = new Lab();
  router = new Install(lab, lab.publicHost("router"));
  stranger = lab.publicHost("stranger");
  await router.start(["router", "--listen", "0.0.0.0:443"]);
});

afterAll(() => lab.close());

describe("a stranger", () => {
  it("[P16 C02] gets from a router what any small web site says", async () => {
    const site = `https://${router.host.address}`;
    const ask = async (path: string, ...options: readonly string[]) =>
      (await stranger.run("curl", ["-sk", "-m", "5", "-i", ...options, `${site}${path}`])).stdout;
    const page = await ask("/");
    expect(page).toMatch(/^HTTP\/1\.1 200 /);
    expect(page).toContain("<html");
    for (const path of ["/nothing", "/admin", "/.well-known/x"])
      expect(await ask(path)).toMatch(/^HTTP\/1\.1 404 /);
    const upgrade = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"];
    const headers = [...upgrade, "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="].flatMap((each) => [
      "-H",
      each,
    ]);
    expect(await ask("/", ...headers)).not.toMatch(/^HTTP\/1\.1 101 /);
    expect(page).not.toMatch(/starmesh/i);
  });

  it("[P16 C02] is greeted by TLS as by others, and rubbish is answered like there", async () => {
    const to = `${router.host.address}:443`;
    const options = ["-connect", to, "-servername", "www.example.org", "-alpn", "h2,http/1.1"];
    const { stdout } = await stranger.run("openssl", ["s_client", ...options], { stdin: "Q\n" });
    expect(stdout).toMatch(/TLSv1\.3/);
    expect(stdout).toMatch(/ALPN protocol: http\/1\.1/);
    expect(stdout).not.toMatch(/starmesh/i);
    const rubbish = "head -c 200 /dev/zero | openssl s_client -quiet -connect $0 2>/dev/null";
    const answer = await stranger.run("sh", ["-c", rubbish, to], { timeoutMillis: 20_000 });
    expect(answer.stdout).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe("somebody on the way", () => {
  it("[P16 C02 P07] sees a browser's visit where packets go over TLS", async () => {
    const nat = lab.nat("nat-one", "port-restricted", 1);
    const alpha = new Install(lab, lab.lanHost("alpha", nat, 2));
    const bravo = new Install(lab, lab.publicHost("bravo"));
    await bravo.start();
    const link = await router.routerLink();
    const invite = inviteIn(await bravo.ok("network", "create", "home", "--router", link));
    const { address } = await bravo.online("home");
    letPassOnly(nat, "tcp dport 443", "tcp sport 443");
    const recording = await capture(lab, nat.host, "wan");
    await alpha.start();
    await alpha.ok("join", invite);
    await waitUntil(
      "the first packet",
      async () => (await ping(alpha.host, address, { count: 1, waitSeconds: 0.3 })).received === 1,
    );
    await ping(alpha.host, address, { count: 50, intervalSeconds: 0.01 });
    const bytes = await recording.stop();
    const seen = protocols(bytes, "tcp.len > 0");
    console.log(`over TLS: ${JSON.stringify([...seen])}`);
    // Beside TLS: parts of its records, and what its certificates are made of.
    const ordinary = ["tls", "tcp", "x509sat", "pkcs-1"];
    expect([...seen.keys()].filter((each) => !ordinary.includes(each))).toEqual([]);
    expect(seen.get("tls")).toBeGreaterThan(100);
    const greetings = dissect(bytes, "tls.handshake.type == 1 && tcp.dstport == 443", [
      "tls.handshake.extensions_alpn_str",
      "tls.handshake.extensions.supported_version",
    ]);
    expect(greetings.length).toBeGreaterThan(0);
    for (const [, versions] of greetings) expect(versions).toContain("0x0304");
  });
});
