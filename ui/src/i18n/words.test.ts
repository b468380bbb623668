import { expect, test } from "vitest";
import { en } from "./en";
import { ko } from "./ko";

type Tree = { [key: string]: string | Tree };

function flat(tree: Tree, path = ""): [string, string][] {
  return Object.entries(tree).flatMap(([key, value]) =>
    typeof value === "string" ? [[`${path}${key}`, value] as [string, string]] : flat(value, `${path}${key}.`),
  );
}

const holes = (text: string) => [...text.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1]).sort();

test("both languages say the same things with the same values in them", () => {
  const english = new Map(flat(en));
  const korean = flat(ko as unknown as Tree);
  expect(korean.map(([key]) => key)).toEqual([...english.keys()]);
  for (const [key, text] of korean) expect([key, holes(text)]).toEqual([key, holes(english.get(key) ?? "")]);
});

test("nothing is said twice in English and Korean but names, units and marks", () => {
  const same = flat(ko as unknown as Tree).filter(([key, text]) => new Map(flat(en)).get(key) === text);
  const spared = ["app.name", "count.p50", "count.p95", "count.p50Note", "connect.", "trace.cost", "detail.perMtok"];
  const signs = ["usd", "percent", "ms"].map((unit) => `alerts.unit.${unit}`);
  spared.push(...signs, "alerts.target.slack", "alerts.form.slackHint", "alerts.form.emailHint");
  expect(same.map(([key]) => key).filter((key) => !spared.some((name) => key.startsWith(name)))).toEqual([]);
});
