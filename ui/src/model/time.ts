/** Time ranges of the address bar, and how moments are written. */

export const RANGES = ["1h", "24h", "7d", "30d", "all"] as const;
export type Range = (typeof RANGES)[number];
export const DEFAULT_RANGE: Range = "24h";

const HOUR_MS = 3_600_000;
const LENGTH_MS: Record<Exclude<Range, "all">, number> = {
  "1h": HOUR_MS,
  "24h": 24 * HOUR_MS,
  "7d": 7 * 24 * HOUR_MS,
  "30d": 30 * 24 * HOUR_MS,
};

export function isRange(value: unknown): value is Range {
  return RANGES.includes(value as Range);
}

/** Start of the range in UTC microseconds; `undefined` for all time. */
export function rangeFromUs(range: Range, nowMs: number): number | undefined {
  return range === "all" ? undefined : Math.round((nowMs - LENGTH_MS[range]) * 1_000);
}

/** Time since `us`, in the largest whole unit, for `Intl.RelativeTimeFormat`; `null` when under five seconds. */
export function ago(us: number, nowMs: number): { value: number; unit: Intl.RelativeTimeFormatUnit } | null {
  const seconds = Math.max(0, Math.round(nowMs / 1_000 - us / 1_000_000));
  if (seconds < 5) return null;
  if (seconds < 60) return { value: -seconds, unit: "second" };
  if (seconds < 3_600) return { value: -Math.floor(seconds / 60), unit: "minute" };
  if (seconds < 86_400) return { value: -Math.floor(seconds / 3_600), unit: "hour" };
  return { value: -Math.floor(seconds / 86_400), unit: "day" };
}

/** `14:03:22` of today, `11-21 14:03:22` of another day of the year, with the year before that. */
export function clock(us: number, nowMs: number, timeZone: string): string {
  const parts = (ms: number) => {
    const format = new Intl.DateTimeFormat("en-CA", {
      timeZone,
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      hourCycle: "h23",
    });
    const found = Object.fromEntries(format.formatToParts(ms).map((part) => [part.type, part.value]));
    return {
      year: found.year,
      day: `${found.month}-${found.day}`,
      time: `${found.hour}:${found.minute}:${found.second}`,
    };
  };
  const then = parts(us / 1_000);
  const today = parts(nowMs);
  if (then.year !== today.year) return `${then.year}-${then.day} ${then.time}`;
  return then.day === today.day ? then.time : `${then.day} ${then.time}`;
}

/** The zone's short name where it has one everybody knows (`KST`), else its offset (`GMT+2`). */
export function zoneName(timeZone: string, nowMs: number): string {
  if (timeZone === "Asia/Seoul") return "KST";
  const format = new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "short" });
  return format.formatToParts(nowMs).find((part) => part.type === "timeZoneName")?.value ?? timeZone;
}
