import { expect, test } from "vitest";
import { idIn, rank } from "./commands";

const command = (title: string, group = "Pages", words = "") => ({ id: title, title, group, words, run: () => {} });
const titles = (text: string) =>
  rank(
    [command("Overview"), command("Nodes"), command("eco2-nodes", "Projects"), command("어둡게", "테마", "dark theme")],
    text,
  ).map((found) => found.title);

test("a title that begins with the text stands before one that holds it", () => {
  expect(titles("no")).toEqual(["Nodes", "eco2-nodes"]);
});

test("every word has to be found, in the title, the group or the other words", () => {
  expect(titles("theme dark")).toEqual(["어둡게"]);
  expect(titles("projects eco2")).toEqual(["eco2-nodes"]);
  expect(titles("nothing")).toEqual([]);
  expect(titles(" ")).toHaveLength(4);
});

test("an id is found by itself and inside an address", () => {
  const id = "6a1f2c3e-0000-4000-8000-00000000bad1";
  expect(idIn(` ${id.toUpperCase()} `)).toBe(id);
  expect(idIn(`http://127.0.0.1:8700/projects/p/traces/${id}?run=1`)).toBe(id);
  expect(idIn("6a1f2c3e")).toBeNull();
});
