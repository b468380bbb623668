import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";

/** Token classes and states keep apart for readers without green cones (deuteranopia), in both themes. */
const CSS = readFileSync(resolve(import.meta.dirname, "../styles/tokens.css"), "utf8");

type Rgb = readonly [number, number, number];

function colour(name: string, theme: "light" | "dark"): Rgb {
  const found = new RegExp(`${name}: light-dark\\((#[0-9a-f]{6}), (#[0-9a-f]{6})\\)`).exec(CSS);
  const hex = found?.[theme === "light" ? 1 : 2];
  if (hex === undefined) throw new Error(`no colour ${name}`);
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255) as unknown as Rgb;
}

const linear = (value: number) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
const times = (matrix: readonly Rgb[], [r, g, b]: Rgb): Rgb =>
  matrix.map(([x, y, z]) => x * r + y * g + z * b) as unknown as Rgb;

// Deuteranopia at full severity on linear RGB: Machado, Oliveira and Fernandes 2009, table 1,
// https://www.inf.ufrgs.br/~oliveira/pubs_files/CVD_Simulation/CVD_Simulation.html
const DEUTERANOPIA: readonly Rgb[] = [
  [0.367322, 0.860646, -0.227968],
  [0.280085, 0.672501, 0.047413],
  [-0.01182, 0.04294, 0.968881],
];
// Linear sRGB to Oklab, whose distances follow sight: https://bottosson.github.io/posts/oklab/
const TO_LMS: readonly Rgb[] = [
  [0.4122214708, 0.5363325363, 0.0514459929],
  [0.2119034982, 0.6806995451, 0.1073969566],
  [0.0883024619, 0.2817188376, 0.6299787005],
];
const TO_LAB: readonly Rgb[] = [
  [0.2104542553, 0.793617785, -0.0040720468],
  [1.9779984951, -2.428592205, 0.4505937099],
  [0.0259040371, 0.7827717662, -0.808675766],
];

function seen(name: string, theme: "light" | "dark"): Rgb {
  const [r, g, b] = times(DEUTERANOPIA, colour(name, theme).map(linear) as unknown as Rgb);
  const lms = times(TO_LMS, [r, g, b].map((value) => Math.min(Math.max(value, 0), 1)) as unknown as Rgb);
  return times(TO_LAB, lms.map(Math.cbrt) as unknown as Rgb);
}

const distance = (a: Rgb, b: Rgb) => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);

function nearest(names: readonly string[], theme: "light" | "dark"): [number, string] {
  const pairs = names.flatMap((a, index) =>
    names.slice(index + 1).map((b): [number, string] => [distance(seen(a, theme), seen(b, theme)), `${a} ${b}`]),
  );
  return pairs.reduce((least, pair) => (pair[0] < least[0] ? pair : least));
}

/** About three just noticeable differences in Oklab. */
const LEAST = 0.06;
/** Cache writes carry dots beside their colour, so they are left out. */
const CLASSES = ["input", "cache-read", "output", "reasoning", "tool-use", "media"].map((name) => `--tc-${name}`);

for (const theme of ["light", "dark"] as const) {
  test(`token classes keep apart without green cones, ${theme}`, () => {
    const [least, pair] = nearest(CLASSES, theme);
    expect(least, pair).toBeGreaterThan(LEAST);
  });

  test(`success, error and warning keep apart without green cones, ${theme}`, () => {
    const [least, pair] = nearest(["--ok", "--bad"], theme);
    expect(least, pair).toBeGreaterThan(LEAST);
  });

  test(`the path of a graph keeps apart from its heat and its grey without green cones, ${theme}`, () => {
    const [least, pair] = nearest(["--accent", "--heat-colour", "--ghost"], theme);
    expect(least, pair).toBeGreaterThan(LEAST);
  });
}

test("the simulation leaves grey as it is and brings red and green together", () => {
  const grey = times(DEUTERANOPIA, [0.5, 0.5, 0.5]);
  for (const part of grey) expect(part).toBeCloseTo(0.5, 3);
  const [red, green] = [times(DEUTERANOPIA, [0.5, 0, 0]), times(DEUTERANOPIA, [0, 0.25, 0])];
  expect(Math.abs(red[0] - green[0])).toBeLessThan(0.05);
});
