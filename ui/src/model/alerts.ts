/** Alerts as the page reads and writes them: what a kind takes, how a value is written, what a form sends. */

import type { AlertBody, AlertPreview, AlertRow } from "../api/schema";
import { count, duration, money, tokens } from "./format";

export type Kind = AlertBody["kind"];
export type WindowName = AlertBody["window"];
export type ScopeBy = NonNullable<AlertBody["scope_by"]>;

/** In the order in which they are offered: money first, then trust, then health. */
export const KINDS: readonly Kind[] = [
  "budget",
  "cost",
  "tokens",
  "anomaly",
  "projection",
  "coverage",
  "coverage_fall",
  "unpriced",
  "error_rate",
  "latency_p50",
  "latency_p95",
  "ttft_p50",
  "ttft_p95",
];
const CALENDAR: readonly WindowName[] = ["day", "week", "month"];
const ROLLING: readonly WindowName[] = ["5m", "15m", "1h", "6h", "24h"];

/** Windows that a kind may have, the usual one first in mind but not in place. */
export function windowsOf(kind: Kind): readonly WindowName[] {
  if (kind === "budget") return CALENDAR;
  if (kind === "cost" || kind === "tokens") return [...CALENDAR, ...ROLLING];
  if (kind === "anomaly") return ["1h"];
  return kind === "projection" ? ["month"] : ROLLING;
}

export const SCOPES: readonly ScopeBy[] = ["none", "user", "node", "model", "tag"];
export const TARGETS = ["webhook", "slack", "email"] as const;
export type TargetKind = (typeof TARGETS)[number];

const UNITS: Record<Kind, string> = {
  budget: "usd",
  cost: "usd",
  anomaly: "usd",
  projection: "usd",
  tokens: "tokens",
  coverage: "percent",
  coverage_fall: "points",
  error_rate: "percent",
  unpriced: "calls",
  latency_p50: "ms",
  latency_p95: "ms",
  ttft_p50: "ms",
  ttft_p95: "ms",
};

export const unitOf = (kind: Kind) => UNITS[kind];

/** Kinds that say nothing of a few calls. */
export function needsCalls(kind: Kind): boolean {
  return !["budget", "cost", "tokens", "anomaly", "projection", "unpriced"].includes(kind);
}

export type TargetDraft = {
  readonly id: number;
  readonly kind: TargetKind;
  readonly address: string;
  readonly targetId?: string;
};

export type Draft = {
  readonly name: string;
  readonly kind: Kind;
  readonly window: WindowName;
  readonly limit: string;
  readonly scopeBy: ScopeBy;
  readonly scopeKey: string;
  readonly minCalls: string;
  readonly levels: string;
  readonly targets: readonly TargetDraft[];
  readonly enabled: boolean;
};

const LIMITS: Partial<Record<Kind, string>> = {
  budget: "10",
  cost: "10",
  tokens: "1000000",
  anomaly: "1",
  projection: "300",
  coverage: "95",
  coverage_fall: "5",
  error_rate: "5",
  unpriced: "0",
};

/** A draft of another kind: the window and the limit become usual ones of it. */
export function withKind(draft: Draft, kind: Kind): Draft {
  const windows = windowsOf(kind);
  const window = windows.includes(draft.window) ? draft.window : (windows[Math.min(1, windows.length - 1)] ?? "1h");
  return { ...draft, kind, window, limit: LIMITS[kind] ?? "3000" };
}

export const NEW_DRAFT: Draft = {
  name: "",
  kind: "budget",
  window: "day",
  limit: "10",
  scopeBy: "none",
  scopeKey: "",
  minCalls: "10",
  levels: "50, 80, 100",
  targets: [],
  enabled: true,
};

export function draftOf(row: AlertRow): Draft {
  return {
    name: row.name,
    kind: row.kind,
    window: row.window,
    limit: row.limit,
    scopeBy: row.scope_by,
    scopeKey: row.scope_key ?? "",
    minCalls: String(row.min_calls),
    levels: row.levels.length > 0 ? row.levels.join(", ") : NEW_DRAFT.levels,
    targets: row.targets.map((target, id) => ({
      id,
      kind: target.kind,
      address: target.address,
      targetId: target.target_id,
    })),
    enabled: row.enabled,
  };
}

/** What is sent. Targets without an address are left out: a row one has only begun. */
export function bodyOf(draft: Draft): AlertBody {
  return {
    name: draft.name.trim(),
    kind: draft.kind,
    window: draft.window,
    limit: draft.limit.trim().replaceAll(",", ""),
    scope_by: draft.scopeBy,
    scope_key: draft.scopeBy === "none" ? null : draft.scopeKey.trim(),
    min_calls: Math.max(1, Math.trunc(Number(draft.minCalls)) || 1),
    levels: draft.kind === "budget" ? levelsOf(draft.levels) : null,
    targets: draft.targets
      .filter((target) => target.address.trim() !== "")
      .map((target) => ({
        target_id: target.targetId ?? null,
        kind: target.kind,
        address: target.targetId === undefined ? target.address.trim() : null,
      })),
    enabled: draft.enabled,
  };
}

export function levelsOf(text: string): number[] {
  const found = text.split(/[,\s]+/).flatMap((part) => (/^\d+$/.test(part) ? [Number(part)] : []));
  return [...new Set(found)].sort((a, b) => a - b);
}

/** A value with its unit: `$12.30`, `1.84 M`, `95 %`, `1.20 s`. */
export function amountText(value: string, unit: string): string {
  const number = Number(value);
  if (unit === "usd") return money(value).value;
  if (unit === "tokens") return joined(tokens(number));
  if (unit === "ms") return joined(duration(number));
  if (unit === "calls") return count(number);
  const rounded = Math.round(number * 100) / 100;
  return unit === "percent" ? `${rounded} %` : `${rounded}`;
}

const joined = (figure: { value: string; unit: string }) => [figure.value, figure.unit].filter(Boolean).join(" ");

/** Share of the limit that is reached, 0 to 1, for a bar; `null` where there is none to show. */
export function reached(row: Pick<AlertRow, "kind" | "value" | "value_limit" | "limit">): number | null {
  const limit = Number(row.value_limit ?? row.limit);
  if (row.value === null || row.kind === "coverage" || limit <= 0) return null;
  return Math.min(Math.max(Number(row.value) / limit, 0), 1);
}

export type Course = { readonly value: string; readonly limit: string; readonly top: number };

/** The course of a preview as SVG paths in a box of that size; what is not known is a gap. */
export function courseOf(
  seen: Pick<AlertPreview, "course" | "from_us" | "to_us">,
  width: number,
  height: number,
): Course {
  const numbers = seen.course.flatMap((point) => [Number(point.value ?? 0), Number(point.limit)]);
  const top = Math.max(...numbers, 0) * 1.1 || 1;
  const length = Math.max(seen.to_us - seen.from_us, 1);
  const x = (us: number) => (((us - seen.from_us) / length) * width).toFixed(1);
  const y = (value: string) => (height - (Number(value) / top) * height).toFixed(1);
  const path = (pick: (point: AlertPreview["course"][number]) => string | null) => {
    let pen = "M";
    return seen.course
      .map((point) => {
        const value = pick(point);
        if (value === null) {
          pen = "M";
          return "";
        }
        const step = `${pen}${x(point.at_us)} ${y(value)}`;
        pen = "L";
        return step;
      })
      .join("");
  };
  return { value: path((point) => point.value), limit: path((point) => point.limit), top };
}
