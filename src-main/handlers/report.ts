/** Calls for those who help: the log as it grows, and a report of how this machine stands. */
import { arch, cpus, platform, release, totalmem } from "node:os";
import type { Handlers, StopSignal } from "../../src-shared/api/contract.ts";
import { splitHostPort } from "../../src-shared/ids.ts";
import type { Report } from "../../src-shared/report.ts";
import type { Status } from "../../src-shared/status.ts";
import type { LogTail } from "../engine/log-tail.ts";
import { Disguise, redacted } from "../engine/redaction.ts";
import type { Trace } from "../engine/trace.ts";
import type { Install } from "./install.ts";

/** What a report is put together from. */
export type ReportSources = Pick<
  Handlers,
  "status.read" | "netcheck.run" | "settings.read" | "routes.list" | "names.list" | "exit.read" | "diary.read"
>;

/** Answers of the nouns “log” and “report”. */
export function reportHandlers(
  { tail, version, trace }: Pick<Install, "tail" | "version"> & { readonly trace: Trace },
  sources: ReportSources,
): Pick<Handlers, "log.watch" | "report.trace" | "report.make"> {
  return {
    "report.trace": ({ seconds }, signal) => writeTrace(trace, seconds, signal),
    "log.watch": ({ lines }, signal) => watchLog(tail, lines, signal),
    "report.make": async ({ disguise }) => {
      const [status, netcheck, settings, routes, names, exit, diary] = await Promise.all([
        sources["status.read"]({}),
        sources["netcheck.run"]({}),
        sources["settings.read"]({}),
        sources["routes.list"]({}),
        sources["names.list"]({}),
        sources["exit.read"]({}),
        sources["diary.read"]({ since: new Date(Date.now() - diaryMillis).toISOString(), points: 1 }),
      ]);
      const worn = disguise ? new Disguise(namesIn(status)) : null;
      const told = { status, netcheck, settings, routes, names, exit, diary: diary.events };
      const log = tail.latest(mostLines).map((line) => String(redacted(line, worn)));
      return {
        version: 1,
        made: new Date().toISOString(),
        disguised: disguise,
        starmesh: version,
        system: systemFacts(),
        ...(redacted(told, worn) as Pick<Report, keyof typeof told>),
        log,
        trace: trace.lines().map((line) => String(redacted(line, worn))),
      };
    },
  };
}

async function* writeTrace(
  trace: Trace,
  seconds: number,
  signal: StopSignal,
): AsyncIterable<{ readonly secondsLeft: number; readonly lines: number }> {
  const end = trace.begin();
  // Also where nobody takes the next answer.
  signal.addEventListener("abort", end);
  try {
    for (let secondsLeft = seconds; secondsLeft > 0 && !signal.aborted; secondsLeft--) {
      yield { secondsLeft, lines: trace.lines().length };
      await rest(1000, signal);
    }
  } finally {
    end();
  }
}

function rest(milliseconds: number, signal: StopSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener("abort", done);
  });
}

async function* watchLog(
  tail: LogTail,
  count: number,
  signal: StopSignal,
): AsyncIterable<{ readonly lines: string[]; readonly missed: number }> {
  let waiting = [...tail.latest(count)];
  let missed = 0;
  let wake = () => {};
  const stop = tail.onLine((line) => {
    waiting.push(line);
    if (waiting.length > mostLines) {
      missed += waiting.length - mostLines;
      waiting = waiting.slice(-mostLines);
    }
    wake();
  });
  const end = () => wake();
  signal.addEventListener("abort", end);
  try {
    // The first answer comes also without a line: whoever looks on knows that the log is open.
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      if (waiting.length === 0 && !isFirst) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        wake = () => {};
        continue;
      }
      const told = { lines: waiting, missed };
      waiting = [];
      missed = 0;
      yield told;
    }
  } finally {
    stop();
    signal.removeEventListener("abort", end);
  }
}

/** The names by which machines and networks could be known to others. */
function namesIn({
  node,
  networks,
  peers,
  router,
}: Status): { readonly kind: string; readonly name: string }[] {
  const hosts = [...networks.flatMap(({ rendezvous }) => rendezvous), ...router.publicAddresses]
    .map((place) => splitHostPort(place)?.host ?? place)
    .filter((host) => /[a-z]/i.test(host) && !host.includes(":"));
  return [
    { kind: "node", name: node.name },
    ...[...networks, ...router.networks].map(({ name }) => ({ kind: "network", name })),
    ...peers.map(({ name }) => ({ kind: "peer", name })),
    ...hosts.map((name) => ({ kind: "host", name })),
  ];
}

function systemFacts(): Report["system"] {
  return {
    platform: platform(),
    release: release(),
    architecture: arch(),
    node: process.version,
    processors: cpus().length,
    memoryMebibytes: Math.round(totalmem() / 2 ** 20),
  };
}

const mostLines = 1000;
const diaryMillis = 3 * 86_400_000;
