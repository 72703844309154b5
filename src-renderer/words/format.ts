/** Numbers, units and times as a language writes them. */
import type { Language } from "./language.ts";

/** What a value that is unknown or does not apply looks like. */
export const nothing = "–";

export interface Format {
  /** A round trip: `0.8 ms`, `34 ms`. */
  latency(milliseconds: number | null): string;
  /** A round number of milliseconds, for the side of a chart: `5 ms`. */
  milliseconds(value: number): string;
  /** A share of 0–100: `0.4%`. */
  percent(value: number | null): string;
  /** An amount: `1.4 GB`. */
  bytes(value: number): string;
  /** A speed: `340 kB/s`; nothing at standstill. */
  rate(bytesPerSecond: number): string;
  number(value: number): string;
  /** How long ago or ahead: `5 minutes ago`, `in 3 days`. */
  relative(time: string | null, now: number): string;
  /** How long something takes or took: `3 hours`. */
  span(milliseconds: number): string;
  /** A day and a time of day. */
  dateTime(time: string | null): string;
  /** A time of day with seconds. */
  clock(time: string): string;
  /** Names joined as a sentence does: `a, b and c`. */
  list(items: readonly string[]): string;
}

export function createFormat(language: Language): Format {
  const unit = (name: string, most: number, least = most) =>
    new Intl.NumberFormat(language, {
      style: "unit",
      unit: name,
      // Chinese writes short units out (毫秒), too long for a table; English needs the space that `narrow` drops.
      unitDisplay: language === "zh-CN" ? "narrow" : "short",
      maximumFractionDigits: most,
      minimumFractionDigits: least,
    });
  const milliseconds = [unit("millisecond", 0), unit("millisecond", 1)] as const;
  const coarse = unit("millisecond", 1, 0);
  const amounts = sizes.map((size) => [unit(size, 0), unit(size, 1)] as const);
  const speeds = sizes.map((size) => [unit(`${size}-per-second`, 0), unit(`${size}-per-second`, 1)] as const);
  const percent = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 1 });
  const plain = new Intl.NumberFormat(language);
  const lengths = (size: string) =>
    new Intl.NumberFormat(language, { style: "unit", unit: size, unitDisplay: "long" });
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  const dateTime = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const list = new Intl.ListFormat(language, { type: "conjunction" });

  const scaled = (value: number, units: readonly (readonly [Intl.NumberFormat, Intl.NumberFormat])[]) => {
    const step =
      value < 999_950 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(value * 1.0005) / 3) - 1);
    const amount = value / 1000 ** (step + 1);
    const [whole, fine] = units[step] ?? [plain, plain];
    return (amount >= 99.95 ? whole : fine).format(amount > 0 ? Math.max(amount, 0.1) : 0);
  };

  return {
    latency: (value) => (value === null ? nothing : milliseconds[value < 9.95 ? 1 : 0].format(value)),
    milliseconds: (value) => coarse.format(value),
    percent: (value) => (value === null ? nothing : percent.format(value / 100)),
    bytes: (value) => scaled(value, amounts),
    rate: (value) => (value < 1 ? nothing : scaled(value, speeds)),
    number: (value) => plain.format(value),
    relative(time, now) {
      if (time === null) return nothing;
      const seconds = (Date.parse(time) - now) / 1000;
      const [size, span] = spans.find(([, least]) => Math.abs(seconds) >= least) ?? ["second", 1];
      return relative.format(Math.round(seconds / span), size);
    },
    span(length) {
      const seconds = Math.max(0, length) / 1000;
      const [size, span] = spans.find(([, least]) => seconds >= least) ?? ["second", 1];
      return lengths(size).format(Math.floor(seconds / span));
    },
    dateTime: (time) => (time === null ? nothing : dateTime.format(new Date(time))),
    clock: (time) => clock.format(new Date(time)),
    list: (items) => list.format(items),
  };
}

/** Single bytes are of no interest to anybody. */
const sizes = ["kilobyte", "megabyte", "gigabyte", "terabyte"] as const;
const spans: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["year", 365 * 86_400],
  ["month", 30 * 86_400],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];
