/** Amounts in the words of people. */

import type { PathStatus, PeerStatus } from "../../src-shared/status.ts";
import type { Cell, Colour } from "./text.ts";

/** `0 B`, `812 B`, `1.2 MiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const power = Math.min(byteUnits.length - 1, Math.floor(Math.log2(bytes) / 10));
  const amount = bytes / 1024 ** power;
  return `${amount < 99.95 ? amount.toFixed(1) : amount.toFixed(0)} ${byteUnits[power]}`;
}

/** `0.42 ms`, `12.3 ms`, `240 ms`; empty when unmeasured. */
export function formatLatency(millis: number | null): string {
  if (millis === null) return "";
  return `${millis.toFixed(millis < 1 ? 2 : millis < 100 ? 1 : 0)} ms`;
}

/** `0 %`, `1.5 %`; empty when unmeasured. */
export function formatLoss(percent: number | null): string {
  return percent === null ? "" : `${Number(percent.toFixed(1))} %`;
}

/** `8 s`, `3 min`, `5 h`, `12 d`. */
export function formatDuration(millis: number): string {
  const seconds = Math.max(0, Math.floor(millis / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** How long ago; empty for never. */
export function formatAge(time: string | null, now: number): string {
  return time === null ? "" : `${formatDuration(now - Date.parse(time))} ago`;
}

/** `2026-11-21 14:02:11` of this machine's clock. */
export function formatTime(time: string): string {
  const at = new Date(time);
  const two = (number: number) => String(number).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** `direct 192.0.2.7:7743` or `via nas, oslo`. */
export function formatPath(path: PathStatus): string {
  return path.kind === "direct" ? `direct ${path.remote}` : `via ${path.via.join(", ")}`;
}

/** A state in its colour: green works, yellow is on its way, red does not. */
export function stateCell(
  state: PeerStatus["state"] | "online" | "off" | "joining" | "refused" | "waits",
): Cell {
  const colour: Colour | undefined = stateColours[state];
  return colour === undefined ? state : { text: state, colour };
}

/** `1 member`, `3 members`. */
export function formatCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** How often and how long an invite works. */
export function inviteTerms(invite: { readonly uses: number; readonly expires: string }): string {
  const often = invite.uses === 1 ? "once" : `${invite.uses} times`;
  return `It works ${often}, until ${formatTime(invite.expires)}.`;
}

const byteUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

const stateColours: Readonly<Record<string, Colour | undefined>> = {
  connected: "green",
  online: "green",
  connecting: "yellow",
  joining: "yellow",
  waits: "yellow",
  unreachable: "red",
  refused: "red",
  offline: "dim",
  off: "dim",
};
