/** What people write after a command, read strictly. */
import { AppError } from "../../src-shared/errors.ts";

/** `90s`, `30m`, `24h`, `7d` or `2w` in seconds. Throws `usage`. */
export function parseDuration(text: string): number {
  const [, amount, unit] = /^(\d{1,7})\s*(s|m|min|h|d|w)$/.exec(text.trim()) ?? [];
  const seconds = Number(amount) * (unitSeconds[unit ?? ""] ?? Number.NaN);
  if (!Number.isSafeInteger(seconds) || seconds < 60 || seconds > 366 * 86_400) {
    throw new AppError("usage", {
      detail: `“${text}” is no time: write for example 30m, 24h or 7d (a minute to a year).`,
    });
  }
  return seconds;
}

/** A whole number of at least one. Throws `usage`. */
export function parseCount(text: string): number {
  const count = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (count < 1)
    throw new AppError("usage", { detail: `“${text}” is no count: write a whole number from 1.` });
  return count;
}

const unitSeconds: Readonly<Record<string, number>> = {
  s: 1,
  m: 60,
  min: 60,
  h: 3600,
  d: 86_400,
  w: 7 * 86_400,
};
