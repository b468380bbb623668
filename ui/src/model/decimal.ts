/** Exact arithmetic on decimal text: money arrives as text, and a sum of it must stay exact. */

type Decimal = { readonly units: bigint; readonly scale: number };

const PATTERN = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;

function parse(text: string): Decimal {
  const match = PATTERN.exec(text.trim());
  if (!match) throw new Error(`not a decimal: ${text}`);
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = match;
  if (whole === "" && fraction === "") throw new Error(`not a decimal: ${text}`);
  const units = BigInt(`${sign === "-" ? "-" : ""}${whole}${fraction}`);
  const scale = fraction.length - Number(exponent);
  return scale >= 0 ? { units, scale } : { units: units * 10n ** BigInt(-scale), scale: 0 };
}

function print({ units, scale }: Decimal): string {
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, "0");
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, "");
  const whole = digits.slice(0, digits.length - scale);
  return `${units < 0n ? "-" : ""}${whole}${scale > 0 && fraction ? `.${fraction}` : ""}`;
}

/** The sum of decimal texts, as plain decimal text without trailing zeros; "0" of none. */
export function sumDecimals(texts: readonly string[]): string {
  const parts = texts.map(parse);
  const scale = Math.max(0, ...parts.map((part) => part.scale));
  return print({ units: parts.reduce((sum, part) => sum + part.units * 10n ** BigInt(scale - part.scale), 0n), scale });
}

/** The same value as plain decimal text: "1E-7" becomes "0.0000001", "2.50" becomes "2.5". */
export function plainDecimal(text: string): string {
  return print(parse(text));
}

/** The value of `rate` units of money per `per` units, restated per `target` units. */
export function rescaleRate(rate: string, per: number, target: number): string {
  const { units, scale } = parse(rate);
  const scaled = units * BigInt(target);
  const divisor = BigInt(per);
  if (scaled % divisor === 0n) return print({ units: scaled / divisor, scale });
  const extra = 12;
  return print({ units: (scaled * 10n ** BigInt(extra)) / divisor, scale: scale + extra });
}
