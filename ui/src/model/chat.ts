/** A chat with the attached agent: what its events make of a turn, and how its stages light the graph. */

import type { Totals } from "../api/schema";
import { sumDecimals } from "./decimal";
import type { TraceGraph } from "./graph";

export type ChatUsage = {
  readonly llm_calls: number;
  readonly total_tokens: number;
  /** `null`: some call's cost is not known. */
  readonly cost_usd: string | null;
};

/** One model call as the agent counted it. */
export type NodeCall = {
  readonly node: string;
  /** `null`: the provider told nothing. */
  readonly input_tokens: number | null;
  readonly output_tokens: number | null;
  readonly cost_usd: string | null;
  readonly complete: boolean;
};

/** What becomes of a turn: what the agent sends of it, as far as the page reads it, and the picture that was taken. */
export type ChatEvent =
  | { type: "stage"; trace_id: string | null; stage: string; status: "started" | "completed" | "failed" | "waiting" }
  | { type: "token"; text: string }
  | { type: "needs_input"; message: string }
  | ({ type: "usage" } & NodeCall)
  | { type: "error"; node: string | null; message: string }
  | { type: "picture"; link: string }
  | { type: "done"; answer: string; trace_id: string | null; image_url: string | null; usage: ChatUsage };

/** Those that the agent sends. */
export const EVENT_TYPES = ["stage", "token", "needs_input", "usage", "error", "done"] as const;

export type TurnStatus = "sending" | "running" | "asking" | "done" | "failed";

export type Turn = {
  readonly question: string;
  /** Link of the picture that was sent along. */
  readonly picture: string | null;
  readonly status: TurnStatus;
  /** `null` until the agent took the message. */
  readonly job: string | null;
  readonly answer: string;
  /** The last trace of the turn: one that asked for something goes on in another. */
  readonly trace: string | null;
  /** Node → how far it is. */
  readonly stages: Readonly<Record<string, string>>;
  /** Model calls so far. */
  readonly calls: readonly NodeCall[];
  /** Nodes that failed. */
  readonly failed: readonly string[];
  /** What the agent asks for. */
  readonly asked: string | null;
  readonly usage: ChatUsage | null;
  /** Link of the picture that was drawn. */
  readonly drawn: string | null;
  /** Why there is no answer. */
  readonly problem: string | null;
};

export function newTurn(question: string, picture: string | null): Turn {
  return {
    question,
    picture,
    status: "sending",
    job: null,
    answer: "",
    trace: null,
    stages: {},
    calls: [],
    failed: [],
    asked: null,
    usage: null,
    drawn: null,
    problem: null,
  };
}

export const isOpen = (turn: Turn) => turn.status !== "done" && turn.status !== "failed";

export function afterEvent(turn: Turn, event: ChatEvent): Turn {
  switch (event.type) {
    case "stage":
      return staged(turn, event.stage, event.status, event.trace_id);
    case "token":
      return { ...turn, status: "running", asked: null, answer: turn.answer + event.text };
    case "usage":
      return { ...turn, calls: [...turn.calls, event] };
    case "picture":
      return { ...turn, picture: event.link };
    case "needs_input":
      return { ...turn, status: "asking", asked: event.message };
    case "error":
      // Without a node it is the turn itself that broke, and nothing follows.
      return event.node === null
        ? { ...turn, status: "failed", problem: event.message }
        : { ...turn, failed: [...turn.failed, event.node] };
    case "done":
      return {
        ...turn,
        status: "done",
        asked: null,
        answer: event.answer,
        trace: turn.trace ?? event.trace_id,
        usage: event.usage,
        drawn: event.image_url,
      };
  }
}

function staged(turn: Turn, node: string, status: string, trace: string | null): Turn {
  const moved = trace !== null && trace !== turn.trace;
  return {
    ...turn,
    status: status === "waiting" ? turn.status : "running",
    asked: status === "waiting" ? turn.asked : null,
    trace: trace ?? turn.trace,
    stages: { ...(moved ? {} : turn.stages), [node]: status },
    calls: moved ? [] : turn.calls,
  };
}

/** The graph as the server knows it, with what the agent has told since: nodes begun, and what their calls took. */
export function lit(
  graph: TraceGraph,
  stages: Readonly<Record<string, string>>,
  calls: readonly NodeCall[],
): TraceGraph {
  const nodes = graph.nodes.map((node) => {
    const stage = stages[node.id];
    const own = calls.filter((call) => call.node === node.id);
    const behind = node.executions === 0 || node.running > 0;
    if (!behind || (stage === undefined && own.length === 0)) return node;
    const running = stage === undefined || stage === "started" || stage === "waiting" ? 1 : 0;
    const totals = own.length > (node.totals?.llm_calls ?? 0) || running === 0 ? totalsOf(own) : node.totals;
    return { ...node, executions: Math.max(1, node.executions), running, totals };
  });
  return { ...graph, nodes };
}

function totalsOf(calls: readonly NodeCall[]): Totals {
  const sum = (of: (call: NodeCall) => number | null) => calls.reduce((all, call) => all + (of(call) ?? 0), 0);
  const priced = calls.flatMap((call) => call.cost_usd ?? []);
  const told = calls.filter((call) => call.input_tokens !== null);
  const exact = told.filter((call) => call.complete).length;
  const known = sumDecimals(priced);
  return {
    llm_calls: calls.length,
    input_tokens: sum((call) => call.input_tokens),
    output_tokens: sum((call) => call.output_tokens),
    total_tokens: sum((call) => call.input_tokens) + sum((call) => call.output_tokens),
    cache_read_tokens: 0,
    reasoning_tokens: 0,
    cost_usd: priced.length === calls.length ? known : null,
    cost_known_usd: known,
    unpriced_calls: calls.length - priced.length,
    quality: { exact, partial: told.length - exact, estimated: 0, missing: calls.length - told.length },
  };
}

/** Nodes and edges in the order of the whole graph, so that a growing trace is not laid out anew at each step. */
export function steady(graph: TraceGraph, order: readonly string[]): TraceGraph {
  const place = new Map(order.map((id, index) => [id, index]));
  const at = (id: string) => place.get(id) ?? order.length;
  return {
    nodes: [...graph.nodes].sort((a, b) => at(a.id) - at(b.id) || a.id.localeCompare(b.id)),
    edges: [...graph.edges].sort(
      (a, b) => at(a.source) - at(b.source) || at(a.target) - at(b.target) || a.kind.localeCompare(b.kind),
    ),
  };
}

/** Where a picture of the agent is read: under our own origin. Anything but a link of its own is none. */
export function pictureAddress(link: string | null): string | null {
  return link !== null && /^\/images\/[\w-][\w.-]*$/.test(link) ? `/everytoken/v1/agent${link}` : null;
}
