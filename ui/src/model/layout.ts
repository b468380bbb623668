/** Between our graph and ELK's: what is asked of the layout, and what its answer means. */

import type { ElkEdgeSection, ElkExtendedEdge, ElkNode } from "elkjs/lib/elk-api";
import type { GraphEdge, GraphNode } from "./graph";
import { isEnd, linkId } from "./graph";

export type Direction = "RIGHT" | "DOWN";
export const NODE_PX = { width: 176, height: 62 } as const;
export const END_PX = { width: 62, height: 26 } as const;

export type Placed = {
  readonly nodes: ReadonlyMap<string, { readonly x: number; readonly y: number }>;
  /** Way of an edge as an SVG path, and where its label stands. */
  readonly edges: ReadonlyMap<string, { readonly path: string; readonly x: number; readonly y: number }>;
  readonly width: number;
  readonly height: number;
};

export const sizeOf = (id: string) => (isEnd(id) ? END_PX : NODE_PX);

/** The question: layers in the direction of the flow, edges at right angles, parallel branches side by side. */
export function question(
  nodes: readonly Pick<GraphNode, "id">[],
  edges: readonly Pick<GraphEdge, "source" | "target">[],
  direction: Direction,
): ElkNode {
  const known = new Set(nodes.map((node) => node.id));
  return {
    id: "graph",
    layoutOptions: {
      "elk.algorithm": "layered",
      "elk.direction": direction,
      "elk.edgeRouting": "ORTHOGONAL",
      "elk.spacing.nodeNode": "18",
      "elk.spacing.edgeNode": "14",
      "elk.spacing.edgeEdge": "8",
      "elk.layered.spacing.nodeNodeBetweenLayers": "46",
      "elk.layered.spacing.edgeNodeBetweenLayers": "14",
      "elk.layered.spacing.edgeEdgeBetweenLayers": "8",
      "elk.layered.nodePlacement.strategy": "BRANDES_KOEPF",
      "elk.layered.nodePlacement.bk.fixedAlignment": "BALANCED",
      "elk.layered.considerModelOrder.strategy": "NODES_AND_EDGES",
      "elk.layered.mergeEdges": "true",
    },
    children: nodes.map(({ id }) => ({
      id,
      ...sizeOf(id),
      ...(isEnd(id) && {
        layoutOptions: { "elk.layered.layering.layerConstraint": id === "__start__" ? "FIRST" : "LAST" },
      }),
    })),
    edges: edges
      .filter((edge) => known.has(edge.source) && known.has(edge.target))
      .map((edge) => ({ id: linkId(edge), sources: [edge.source], targets: [edge.target] })),
  };
}

/** The answer, read. */
export function placed(answer: ElkNode): Placed {
  const edges = new Map<string, { path: string; x: number; y: number }>();
  for (const edge of (answer.edges ?? []) as ElkExtendedEdge[]) {
    const section = edge.sections?.[0];
    if (section) edges.set(edge.id, { path: pathOf(section), ...labelAt(section) });
  }
  return {
    nodes: new Map((answer.children ?? []).map((child) => [child.id, { x: child.x ?? 0, y: child.y ?? 0 }])),
    edges,
    width: answer.width ?? 0,
    height: answer.height ?? 0,
  };
}

type Point = { x: number; y: number };
const points = (section: ElkEdgeSection): Point[] => [
  section.startPoint,
  ...(section.bendPoints ?? []),
  section.endPoint,
];
const CORNER_PX = 8;

/** Straight lines with rounded corners. */
export function pathOf(section: ElkEdgeSection): string {
  const all = points(section);
  const [first] = all as [Point];
  let path = `M${first.x},${first.y}`;
  for (let at = 1; at < all.length - 1; at += 1) {
    const [before, here, after] = [all[at - 1], all[at], all[at + 1]] as [Point, Point, Point];
    const room = Math.min(CORNER_PX, distance(before, here) / 2, distance(here, after) / 2);
    const enter = towards(here, before, room);
    const leave = towards(here, after, room);
    path += ` L${enter.x},${enter.y} Q${here.x},${here.y} ${leave.x},${leave.y}`;
  }
  const last = all[all.length - 1] as Point;
  return `${path} L${last.x},${last.y}`;
}

const distance = (a: Point, b: Point) => Math.hypot(a.x - b.x, a.y - b.y);
const towards = (from: Point, to: Point, by: number): Point => {
  const length = distance(from, to);
  return length === 0
    ? from
    : { x: from.x + ((to.x - from.x) * by) / length, y: from.y + ((to.y - from.y) * by) / length };
};

/** The middle of the last stretch: there, edges that share their beginning have parted. */
function labelAt(section: ElkEdgeSection): Point {
  const all = points(section);
  const [a, b] = [all[all.length - 2], all[all.length - 1]] as [Point, Point];
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}
