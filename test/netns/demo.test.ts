import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { execFileSync, spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterEach, describe, expect, it } from "vitest";
import { apiPath, loginPath, tokenParameter } from "../../src-shared/api/panel.ts";
import { bundle, root } from "./bundle.mjs";
import { waitUntil } from "./wait.ts";

let demo: ChildProcessWithoutNullStreams | null = null;

afterEach(() => {
  demo?.kill("SIGKILL");
});

describe("npm run demo", () => {
  it("[E02 Z07] shows nodes, panels and traffic, and leaves nothing behind when it is killed", async () => {
    demo = spawn(process.execPath, [await bundle("test/netns/demo.ts")], { cwd: root });
    let said = "";
    for (const stream of [demo.stdout, demo.stderr])
      stream.setEncoding("utf8").on("data", (text) => (said += text));
    const mark = `mesh-lab-${demo.pid}-`;
    const child = demo;
    const find = (what: string, pattern: RegExp) =>
      waitUntil(
        `the demo shows ${what}`,
        () => {
          if (child.exitCode !== null) throw new Error(said);
          return pattern.exec(said);
        },
        60_000,
      ).catch((error: unknown) => {
        throw new Error(`${error}\n${said}`);
      });
    await find("the invite", /^starmesh:\/\/join\/\S+$/m);
    await find("traffic", /alpha → bravo [\d.]+ ms direct .*bravo → charlie [\d.]+ ms direct/);
    await find("throughput", /[\d.]+ Gbit\/s/);
    const panels = [...said.matchAll(/http:\/\/127\.0\.0\.1:\d+\/#token=\S+/g)].map(([link]) => link);
    expect(panels).toHaveLength(4);
    for (const link of panels) await expectLogin(new URL(link));
    expect(left(mark)).not.toEqual([]);
    demo.kill("SIGKILL");
    await waitUntil("everything is gone", () => left(mark).length === 0);
  });
});

/** The pages come, and the link's token opens the API to them, through the forwarded port. */
async function expectLogin({ origin, hash }: URL): Promise<void> {
  expect((await fetch(origin)).status).toBe(200);
  expect((await fetch(`${origin}${apiPath}`)).status).toBe(401);
  const login = await fetch(`${origin}${loginPath}`, {
    method: "POST",
    headers: { Origin: origin, "Content-Type": "application/json" },
    body: JSON.stringify({ token: hash.replace(`#${tokenParameter}=`, "") }),
  });
  expect(login.status).toBe(204);
  const cookie = login.headers.get("set-cookie")?.split(";")[0] ?? "";
  expect((await fetch(`${origin}${apiPath}`, { headers: { Cookie: cookie } })).status).toBe(426);
}

function left(mark: string): readonly string[] {
  const namespaces = execFileSync("ip", ["netns", "list"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  }).split("\n");
  return [...namespaces, ...readdirSync(tmpdir())].filter((name) => name.startsWith(mark));
}
