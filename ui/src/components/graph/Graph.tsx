/** A graph of nodes with figures, laid out in a worker. Load it lazily: `lazy(() => import("…/graph/Graph"))`. */

import {
  Controls,
  type Edge,
  type FitViewOptions,
  MarkerType,
  type Node,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
} from "@xyflow/react";
import { useEffect, useMemo, useRef, useState } from "react";
import { useWords } from "../../i18n/useWords";
import {
  edgeText,
  type GraphNode as Figures,
  type Heat,
  heats,
  linkId,
  loops,
  type TraceGraph,
} from "../../model/graph";
import { type Direction, type Placed, sizeOf } from "../../model/layout";
import { useNarrow } from "../useNarrow";
import { type EdgeData, GraphEdge } from "./GraphEdge";
import { GraphNode, type NodeData } from "./GraphNode";
import { place } from "./place";
import "@xyflow/react/dist/base.css";
import "./graph.css";

export type GraphProps = {
  graph: TraceGraph;
  /** Which figure colours the nodes; none leaves the path in the accent colour. */
  heat?: Heat | undefined;
  chosen?: string | undefined;
  /** Called with the node clicked, or with `undefined` when it is clicked again. */
  onChoose?: ((node: string | undefined) => void) | undefined;
  /** What the graph shows, for who does not see it. */
  label: string;
  /** Which way it runs: by default to the right, on a phone down. */
  direction?: Direction | undefined;
};

const NODE_TYPES = { step: GraphNode };
const EDGE_TYPES = { way: GraphEdge };
/** On a phone the whole would be too small to read: there, one pans. */
const fitOf = (narrow: boolean) => ({ padding: 0.06, maxZoom: 1.15, minZoom: narrow ? 0.62 : 0.2 });

export default function Graph(props: GraphProps) {
  return (
    <ReactFlowProvider>
      <Drawing {...props} />
    </ReactFlowProvider>
  );
}

function Drawing({ graph, heat, chosen, onChoose, label, direction }: GraphProps) {
  const t = useWords();
  const narrow = useNarrow();
  const at = usePlaces(graph, narrow ? "DOWN" : (direction ?? "RIGHT"));
  const box = useRef<HTMLDivElement>(null);
  const choose = useRef(onChoose);
  useEffect(() => {
    choose.current = onChoose;
  });
  const fit = useMemo(() => fitOf(narrow), [narrow]);
  useFit(at, box, fit);
  const nodes = useMemo(
    () =>
      at ? flowNodes(graph.nodes, at, heat, chosen, (id) => choose.current?.(id === chosen ? undefined : id)) : [],
    [graph, at, heat, chosen],
  );
  const edges = useMemo(() => (at ? flowEdges(graph, at, (count) => t("graph.edge", { count })) : []), [graph, at, t]);
  return (
    <section ref={box} className={heat ? "graph heated" : "graph"} aria-label={label} aria-busy={at === null}>
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        edgeTypes={EDGE_TYPES}
        nodesDraggable={false}
        nodesConnectable={false}
        nodesFocusable={false}
        edgesFocusable={false}
        elementsSelectable={false}
        disableKeyboardA11y
        deleteKeyCode={null}
        selectionKeyCode={null}
        panOnScroll={false}
        preventScrolling={false}
        zoomOnScroll={false}
        zoomOnDoubleClick={false}
        minZoom={0.1}
        maxZoom={2}
        proOptions={{ hideAttribution: true }}
        ariaLabelConfig={{
          "controls.zoomIn.ariaLabel": t("graph.zoomIn"),
          "controls.zoomOut.ariaLabel": t("graph.zoomOut"),
          "controls.fitView.ariaLabel": t("graph.fit"),
        }}
      >
        <Controls
          showInteractive={false}
          position="bottom-right"
          fitViewOptions={fit}
          aria-label={t("graph.controls")}
        />
      </ReactFlow>
    </section>
  );
}

/** Where everything stands; asked again only when nodes or edges come or go, not when their figures change. */
function usePlaces(graph: TraceGraph, direction: Direction): Placed | null {
  const [at, setAt] = useState<Placed | null>(null);
  const shape = JSON.stringify([graph.nodes.map((node) => node.id), graph.edges.map(linkId)]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `shape` stands for the graph
  useEffect(() => {
    let wanted = true;
    void place(graph.nodes, graph.edges, direction).then((found) => wanted && setAt(found));
    return () => {
      wanted = false;
    };
  }, [shape, direction]);
  return at;
}

/** All of it in view: at first, after another layout, and when the box changes its size. */
function useFit(at: Placed | null, box: React.RefObject<HTMLElement | null>, options: FitViewOptions): void {
  const flow = useReactFlow();
  useEffect(() => {
    const element = box.current;
    if (!at || !element) return;
    const fit = () => void flow.fitView(options);
    const frame = requestAnimationFrame(fit);
    const sized = new ResizeObserver(fit);
    sized.observe(element);
    return () => {
      cancelAnimationFrame(frame);
      sized.disconnect();
    };
  }, [at, box, flow, options]);
}

function flowNodes(
  nodes: readonly Figures[],
  at: Placed,
  heat: Heat | undefined,
  chosen: string | undefined,
  onChoose: (id: string) => void,
): Node<NodeData>[] {
  const hot = heat ? heats(nodes, heat) : null;
  return nodes.flatMap((node) => {
    const position = at.nodes.get(node.id);
    if (!position) return [];
    const data: NodeData = {
      node,
      heat: hot?.get(node.id),
      dimmed: chosen !== undefined && chosen !== node.id,
      chosen: chosen === node.id,
      onChoose,
    };
    const size = sizeOf(node.id);
    // Nodes that can neither be dragged nor selected are deaf to the pointer unless told otherwise. `measured` has to
    // be told with every new node, or the edges of a growing trace are gone until the next measuring.
    return [{ id: node.id, type: "step", position, data, ...size, measured: size, style: { pointerEvents: "all" } }];
  });
}

function flowEdges(graph: TraceGraph, at: Placed, title: (count: number) => string): Edge<EdgeData>[] {
  const back = loops(graph);
  const running = new Set(graph.nodes.filter((node) => node.running > 0).map((node) => node.id));
  return [...graph.edges]
    .sort((a, b) => a.count - b.count) // the path taken is drawn over the grey
    .flatMap((edge) => {
      const id = linkId(edge);
      const way = at.edges.get(id);
      if (!way) return [];
      const state = [edge.count > 0 ? "taken" : "untaken", edge.kind];
      if (back.has(id)) state.push("loop");
      if (running.has(edge.target) && edge.count > 0) state.push("running");
      const text = `${back.has(id) && edge.count > 0 ? "↻ " : ""}${edgeText(edge)}`.trim();
      const data: EdgeData = { ...way, text, title: title(edge.count), state: state.join(" ") };
      const colour = edge.count > 0 ? "var(--graph-path)" : "var(--graph-ghost)";
      const markerEnd = { type: MarkerType.ArrowClosed, width: 14, height: 14, color: colour };
      return [{ id, source: edge.source, target: edge.target, type: "way", data, markerEnd }];
    });
}
