import { expect, test } from "vitest";
import { pathOf, placed, question } from "./layout";

test("edges to nodes that are not drawn are not asked for", () => {
  const asked = question(
    [{ id: "__start__" }, { id: "a" }],
    [
      { source: "__start__", target: "a" },
      { source: "a", target: "gone" },
    ],
    "RIGHT",
  );
  expect(asked.edges?.map((edge) => edge.id)).toEqual(["__start__→a"]);
  expect(asked.children?.[0]?.layoutOptions).toEqual({ "elk.layered.layering.layerConstraint": "FIRST" });
});

test("corners are rounded, as far as there is room", () => {
  const section = {
    id: "s",
    startPoint: { x: 0, y: 0 },
    bendPoints: [
      { x: 20, y: 0 },
      { x: 20, y: 6 },
    ],
    endPoint: { x: 60, y: 6 },
  };
  expect(pathOf(section)).toBe("M0,0 L17,0 Q20,0 20,3 L20,3 Q20,6 23,6 L60,6");
});

test("a label stands on the last stretch of its edge", () => {
  const section = { id: "s", startPoint: { x: 0, y: 0 }, bendPoints: [{ x: 10, y: 0 }], endPoint: { x: 10, y: 40 } };
  const answer = {
    id: "graph",
    width: 50,
    height: 60,
    children: [{ id: "a", x: 5, y: 7 }],
    edges: [{ id: "e", sources: [], targets: [], sections: [section] }],
  };
  const found = placed(answer);
  expect(found.nodes.get("a")).toEqual({ x: 5, y: 7 });
  expect([found.edges.get("e")?.x, found.edges.get("e")?.y]).toEqual([10, 20]);
});
