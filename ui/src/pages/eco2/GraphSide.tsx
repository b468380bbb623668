import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useMemo } from "react";
import { begunQuery, newestTraceQuery, topologyQuery, traceQuery } from "../../api/queries";
import type { TraceView } from "../../api/schema";
import { type Cell, Explained } from "../../components/Explain";
import { Cost, Duration, QualityNote, TokenSum } from "../../components/Figures";
import { keepRange } from "../../components/Frame";
import { Switch } from "../../components/Panel";
import { Skeleton } from "../../components/States";
import { useWords } from "../../i18n/useWords";
import { isOpen, lit, steady, type Turn } from "../../model/chat";
import { HEATS, type Heat, traceGraph } from "../../model/graph";

const Graph = lazy(() => import("../../components/graph/Graph"));

/** While a turn runs, and until all of its runs have arrived. */
const REFRESH_MS = 500;
const NOTHING: Pick<TraceView, "graph" | "runs"> = { graph: { nodes: [], edges: [] }, runs: [] };

type Props = {
  project: string;
  traceId: string | undefined;
  /** The turn that this page follows; none when the address names an earlier trace. */
  turn: Turn | undefined;
  heat: Heat | undefined;
  onHeat: (heat: Heat | undefined) => void;
};

/** The graph of the last turn, lit as it runs, with tokens and dollars by node. */
export function GraphSide({ project, traceId, turn, heat, onHeat }: Props) {
  const t = useWords();
  const navigate = useNavigate();
  const running = turn !== undefined && isOpen(turn);
  // The server hears of a trace a moment after the agent has begun it.
  const begun = useQuery({
    ...begunQuery(project, traceId ?? ""),
    enabled: turn !== undefined && traceId !== undefined,
    refetchInterval: (query) => (query.state.data ? false : REFRESH_MS / 2),
  });
  const known = traceId !== undefined && (turn === undefined || begun.data === true);
  const newest = useQuery(newestTraceQuery(project));
  const shaped = newest.data ?? (known ? traceId : undefined);
  const topology = useQuery({ ...topologyQuery(project, shaped ?? ""), enabled: shaped !== undefined });
  const trace = useQuery({
    ...traceQuery(project, traceId ?? ""),
    enabled: known,
    refetchInterval: (query) => (running || query.state.data?.trace.status === "pending" ? REFRESH_MS : false),
  });
  const view = known ? trace.data : undefined;
  const graph = useMemo(() => {
    const whole = topology.data ?? null;
    return lit(steady(traceGraph(view ?? NOTHING, whole), whole?.nodes ?? []), turn?.stages ?? {}, turn?.calls ?? []);
  }, [view, topology.data, turn]);
  return (
    <section className="eco2-graph" aria-label={t("eco2.graph")}>
      <header className="eco2-bar">
        {view ? (
          <Totals view={view} pending={running} />
        ) : (
          <span className="muted">{running ? t("trace.running") : t("eco2.idle")}</span>
        )}
        <span className="spring" />
        <Switch
          label={t("graph.heat")}
          value={heat ?? "path"}
          choices={(["path", ...HEATS] as const).map((name) => ({ value: name, label: t(`graph.heats.${name}`) }))}
          onChoose={(name) => onHeat(name === "path" ? undefined : name)}
        />
        {traceId !== undefined && (
          <Link
            className="button"
            to="/projects/$project/traces/$traceId"
            params={{ project, traceId }}
            search={keepRange}
          >
            {t("eco2.openTrace")}
          </Link>
        )}
      </header>
      <Suspense fallback={<Skeleton />}>
        {graph.nodes.length > 0 && (
          <Graph
            graph={graph}
            heat={heat}
            direction="DOWN"
            label={t("eco2.graph")}
            onChoose={(node) => {
              if (traceId === undefined || node === undefined) return;
              void navigate({
                to: "/projects/$project/traces/$traceId",
                params: { project, traceId },
                search: { view: "graph", node },
              });
            }}
          />
        )}
      </Suspense>
    </section>
  );
}

function Totals({ view, pending }: { view: TraceView; pending: boolean }) {
  const t = useWords();
  const { trace } = view;
  const whole: Cell = { project: trace.project, traceId: trace.trace_id, range: "all" };
  return (
    <p className="eco2-totals">
      <span className="fact">
        {trace.duration_ms === null ? <em>{t("trace.running")}</em> : <Duration ms={trace.duration_ms} />}
      </span>
      <span className="fact">
        <strong>
          <Explained cell={whole}>
            <TokenSum totals={trace} />
          </Explained>
        </strong>{" "}
        <span className="muted">{t("count.tokens").toLowerCase()}</span>
      </span>
      <span className="fact">
        <strong>
          <Explained cell={whole}>
            <Cost totals={trace} full noted pending={pending} />
          </Explained>
        </strong>{" "}
        <QualityNote totals={trace} pending={pending} />
      </span>
    </p>
  );
}
