/** Settings as they are typed: days, time zones, patterns by the line, and names with commas between. */

const MAX_DAYS = 36_500;

/** Days of retention; `null` for ever, `undefined` for what is no number of days. */
export function daysOf(typed: string): number | null | undefined {
  const text = typed.trim();
  if (text === "") return null;
  const days = Number(text);
  return /^\d+$/.test(text) && days >= 1 && days <= MAX_DAYS ? days : undefined;
}

/** Whether a change of retention removes something that is kept now. */
export function shortened(was: number | null, now: number | null | undefined): boolean {
  return typeof now === "number" && (was === null || now < was);
}

export const ZONES: readonly string[] = ["UTC", ...Intl.supportedValuesOf("timeZone")];

export function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return !/^[+-]/.test(name);
  } catch {
    return false;
  }
}

export function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line.trim() !== "");
}

export function namesOf(text: string): string[] {
  return [...new Set(text.split(",").map((name) => name.trim()))].filter((name) => name !== "");
}

export type KeyState = "valid" | "expired" | "revoked";

export function keyState(key: { revoked_us: number | null; expires_us: number | null }, nowMs: number): KeyState {
  if (key.revoked_us !== null) return "revoked";
  return key.expires_us !== null && key.expires_us <= nowMs * 1_000 ? "expired" : "valid";
}
