/** Time ranges of the address bar, and how moments are written. */

export const RANGES = ["15m", "1h", "6h", "24h", "7d", "30d", "all"] as const;
export type Preset = (typeof RANGES)[number];
/** A preset moves with the clock; two moments in epoch milliseconds, the second exclusive, stay what they are. */
export type Range = Preset | `${number}-${number}`;
export const DEFAULT_RANGE: Range = "24h";

const HOUR_MS = 3_600_000;
const LENGTH_MS: Record<Exclude<Preset, "all">, number> = {
  "15m": HOUR_MS / 4,
  "1h": HOUR_MS,
  "6h": 6 * HOUR_MS,
  "24h": 24 * HOUR_MS,
  "7d": 7 * 24 * HOUR_MS,
  "30d": 30 * 24 * HOUR_MS,
};

export function isPreset(value: unknown): value is Preset {
  return RANGES.includes(value as Preset);
}

export function isRange(value: unknown): value is Range {
  return isPreset(value) || (typeof value === "string" && momentsOf(value) !== null);
}

const MOMENTS = /^(\d{10,15})-(\d{10,15})$/;

/** Start and end of a range that names both, in epoch milliseconds. */
export function momentsOf(range: string): { fromMs: number; toMs: number } | null {
  const found = MOMENTS.exec(range);
  const [fromMs, toMs] = [Number(found?.[1]), Number(found?.[2])];
  return found && fromMs < toMs ? { fromMs, toMs } : null;
}

export function rangeOf(fromMs: number, toMs: number): Range {
  return `${Math.floor(fromMs)}-${Math.ceil(toMs)}`;
}

export type TimeWindow = { readonly from: number | undefined; readonly to: number | undefined };

/** The window of a range in UTC microseconds; an end that is not there is open. */
export function windowOf(range: Range, nowMs: number): TimeWindow {
  if (isPreset(range)) {
    return { from: range === "all" ? undefined : Math.round((nowMs - LENGTH_MS[range]) * 1_000), to: undefined };
  }
  const moments = momentsOf(range);
  return { from: moments ? moments.fromMs * 1_000 : undefined, to: moments ? moments.toMs * 1_000 : undefined };
}

/** The window of the same length just before; `null` for all time, which has none. */
export function windowBefore(range: Range, nowMs: number): { from: number; to: number } | null {
  const { from, to = Math.round(nowMs * 1_000) } = windowOf(range, nowMs);
  return from === undefined ? null : { from: from - (to - from), to: from };
}

/** What a date-and-time field shows for a moment, and the moment such a field names, in the zone of the browser. */
export function fieldOf(ms: number): string {
  const local = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}

/** When a bucket starts, as short as its length allows: `14:05`, `11-22 14:00`, `11-22`, `2026-11`. */
export function bucketLabel(us: number, bucket: string, timeZone: string): string {
  const format = new Intl.DateTimeFormat("en-CA", {
    timeZone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  const part = Object.fromEntries(format.formatToParts(us / 1_000).map((found) => [found.type, found.value]));
  if (bucket === "minute") return `${part.hour}:${part.minute}`;
  if (bucket === "hour") return `${part.month}-${part.day} ${part.hour}:${part.minute}`;
  return bucket === "month" ? `${part.year}-${part.month}` : `${part.month}-${part.day}`;
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

/** The reader's own zone. */
export const ownZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** The zone that a project is set to. UTC is what a project has that nobody has set: there, the reader's own. */
export function zoneOf(settings: { readonly time_zone: string } | undefined): string {
  return settings === undefined || settings.time_zone === "UTC" ? ownZone() : settings.time_zone;
}

/** The zone's short name where it has one everybody knows (`KST`), else its offset (`GMT+2`). */
export function zoneName(timeZone: string, nowMs: number): string {
  if (timeZone === "Asia/Seoul") return "KST";
  const format = new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "short" });
  return format.formatToParts(nowMs).find((part) => part.type === "timeZoneName")?.value ?? timeZone;
}
