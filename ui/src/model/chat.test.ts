import { describe, expect, it } from "vitest";
import {
  afterEvent,
  type ChatEvent,
  isOpen,
  lit,
  type NodeCall,
  newTurn,
  pictureAddress,
  steady,
  type Turn,
} from "./chat";
import type { GraphNode, TraceGraph } from "./graph";

const started = (stage: string, trace = "t1"): ChatEvent => ({
  type: "stage",
  stage,
  status: "started",
  trace_id: trace,
});
const after = (...events: ChatEvent[]): Turn => events.reduce(afterEvent, newTurn("어디?", null));
const usage = { llm_calls: 4, total_tokens: 1261, cost_usd: "0.011284" };
const done: ChatEvent = { type: "done", answer: "여기요", trace_id: "t1", image_url: null, usage };

describe("a turn", () => {
  it("begins by being sent", () => {
    expect(newTurn("어디?", "/images/a.png")).toMatchObject({
      status: "sending",
      picture: "/images/a.png",
      answer: "",
    });
    expect(isOpen(newTurn("어디?", null))).toBe(true);
  });

  it("runs from its first stage on and knows its trace", () => {
    expect(after(started("intent"))).toMatchObject({ status: "running", trace: "t1", stages: { intent: "started" } });
  });

  it("joins the pieces of the answer", () => {
    expect(after({ type: "token", text: "강남" }, { type: "token", text: "역" }).answer).toBe("강남역");
  });

  it("waits with its question, and goes on in another trace", () => {
    const asking = after(
      started("router"),
      { type: "stage", stage: "router", status: "waiting", trace_id: "t1" },
      { type: "needs_input", message: "어느 곳?" },
    );
    expect(asking).toMatchObject({ status: "asking", asked: "어느 곳?" });
    expect(afterEvent(asking, started("router", "t2"))).toMatchObject({
      status: "running",
      asked: null,
      trace: "t2",
      stages: { router: "started" },
    });
  });

  it("ends with its answer and what it cost", () => {
    const turn = after(started("intent"), { type: "token", text: "여" }, done);
    expect(turn).toMatchObject({ status: "done", answer: "여기요", usage });
    expect(isOpen(turn)).toBe(false);
  });

  it("keeps the trace that went on, whatever the end calls the first", () => {
    expect(after(started("router", "t1"), started("router", "t2"), done).trace).toBe("t2");
  });

  it("names the nodes that failed and goes on", () => {
    const turn = after(started("weather"), { type: "error", node: "weather", message: "HTTP 500" });
    expect(turn).toMatchObject({ failed: ["weather"], status: "running" });
  });

  it("is over when the turn itself broke", () => {
    expect(after({ type: "error", node: null, message: "TimeoutError" })).toMatchObject({
      status: "failed",
      problem: "TimeoutError",
    });
  });
});

const node = (id: string, executions = 0): GraphNode => ({
  id,
  executions,
  errors: 0,
  totals: null,
  durationMs: null,
  running: 0,
  critical: false,
});

describe("the graph of a turn", () => {
  const graph: TraceGraph = {
    nodes: [node("answer"), node("intent", 1), node("router")],
    edges: [
      { source: "router", target: "answer", count: 0, kind: "step" },
      { source: "intent", target: "router", count: 1, kind: "step" },
    ],
  };

  const call = (name: string, cost: string | null): NodeCall => ({
    node: name,
    input_tokens: cost === null ? null : 47,
    output_tokens: cost === null ? null : 12,
    cost_usd: cost,
    complete: cost !== null,
  });

  it("lights what the agent began and the server does not know", () => {
    const nodes = lit(graph, { intent: "completed", router: "started" }, []).nodes;
    expect(nodes.map(({ id, executions, running }) => [id, executions, running])).toEqual([
      ["answer", 0, 0],
      ["intent", 1, 0],
      ["router", 1, 1],
    ]);
  });

  it("shows what the agent's calls took until the server tells it", () => {
    const nodes = lit(graph, { answer: "completed" }, [call("answer", "0.00025025"), call("answer", "0.001")]).nodes;
    expect(nodes[0]).toMatchObject({
      executions: 1,
      running: 0,
      totals: { llm_calls: 2, total_tokens: 118, cost_usd: "0.00125025", quality: { exact: 2, missing: 0 } },
    });
  });

  it("keeps a call without usage unknown, and not nothing", () => {
    const [answer] = lit(graph, { answer: "completed" }, [call("answer", null)]).nodes;
    expect(answer?.totals).toMatchObject({ llm_calls: 1, cost_usd: null, unpriced_calls: 1, quality: { missing: 1 } });
  });

  it("believes the server once its node has ended", () => {
    expect(lit(graph, { intent: "completed" }, [call("intent", "9")]).nodes[1]).toBe(graph.nodes[1]);
  });

  it("keeps the order of the whole graph, and puts what is not in it last", () => {
    const found = steady({ ...graph, nodes: [...graph.nodes, node("extra")] }, ["intent", "router", "answer"]);
    expect(found.nodes.map(({ id }) => id)).toEqual(["intent", "router", "answer", "extra"]);
    expect(found.edges.map(({ source }) => source)).toEqual(["intent", "router"]);
  });
});

describe("a picture of the agent", () => {
  it("is read under our own origin", () => {
    expect(pictureAddress("/images/0a.png")).toBe("/everytoken/v1/agent/images/0a.png");
  });

  it.each([
    null,
    "https://elsewhere.example/a.png",
    "/images/../secret",
    "/images/",
    "javascript:alert(1)",
  ])("is not shown from anywhere else: %s", (link) => {
    expect(pictureAddress(link)).toBeNull();
  });
});
