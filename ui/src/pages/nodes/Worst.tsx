import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { worstQuery } from "../../api/queries";
import type { NodeRow, NodeRun } from "../../api/schema";
import { Explained } from "../../components/Explain";
import { Cost, Duration, QualityNote, TokenSum } from "../../components/Figures";
import { keepRange } from "../../components/Frame";
import { CloseIcon } from "../../components/icons";
import { Clock } from "../../components/Moment";
import { Spark } from "../../components/Spark";
import { Failed, SkeletonRows } from "../../components/States";
import { TokenBar } from "../../components/TokenBar";
import { useWords } from "../../i18n/useWords";
import type { Range } from "../../model/time";

type Props = {
  project: string;
  range: Range;
  node: NodeRow;
  course: readonly number[] | undefined;
  onClose: () => void;
};

/** Of one node: where to look first. Each line opens its trace at the run in question. */
export function Worst({ project, range, node, course, onClose }: Props) {
  const t = useWords();
  const { data, error, refetch } = useQuery(worstQuery(project, range, node.node));
  const open = (trace: string, run: string, children: ReactNode) => (
    <Link
      className="row-link"
      to="/projects/$project/traces/$traceId"
      params={{ project, traceId: trace }}
      search={(now) => ({ ...keepRange(now), run })}
    >
      {children}
    </Link>
  );
  const runs = (rows: readonly NodeRun[]) =>
    rows.map((row) => (
      <tr key={row.run_id}>
        <td>{open(row.trace_id, row.run_id, <Clock us={row.start_us} />)}</td>
        <td className={row.error === null ? "muted" : "bad ellipsis"} title={row.error ?? undefined}>
          <span className="ellipsis worst-note">{row.error?.split("\n")[0] ?? ""}</span>
        </td>
        <td className="right">
          <Duration ms={row.duration_ms} />
        </td>
      </tr>
    ));
  return (
    <section className="detail" aria-label={t("worst.label", { node: node.node })}>
      <header className="detail-head">
        <h2 className="ellipsis">{node.node}</h2>
        <span className="spring" />
        <button type="button" className="quiet icon" onClick={onClose} aria-label={t("worst.close")} title="Esc">
          <CloseIcon />
        </button>
      </header>
      <div className="detail-body">
        <section className="worst-sum">
          <span className="stack">
            <Explained cell={{ by: "node", key: node.node }}>
              <Cost totals={node} noted />
            </Explained>
            <QualityNote totals={node} />
          </span>
          <Spark values={course} label={t("worst.trend")} />
          <TokenBar totals={node} most={node.total_tokens} />
        </section>
        {!data && error && <Failed error={error} retry={() => void refetch()} />}
        {!data && !error && <SkeletonRows count={6} />}
        {data && (
          <>
            <Part title={t("worst.slowest")}>{runs(data.slowest)}</Part>
            <Part title={t("worst.dearest")} empty={data.dearest.length === 0 ? t("worst.noneDear") : undefined}>
              {data.dearest.map((row) => (
                <tr key={row.trace_id}>
                  <td>{open(row.trace_id, row.run_id, <Clock us={row.start_us} />)}</td>
                  <td className="right muted">
                    <Explained cell={{ by: "node", key: node.node, traceId: row.trace_id }}>
                      <TokenSum totals={row} />
                    </Explained>
                  </td>
                  <td className="right">
                    <Explained cell={{ by: "node", key: node.node, traceId: row.trace_id }}>
                      <Cost totals={row} />
                    </Explained>
                  </td>
                </tr>
              ))}
            </Part>
            <Part title={t("worst.failed")} empty={data.failed.length === 0 ? t("worst.noneFailed") : undefined}>
              {runs(data.failed)}
            </Part>
          </>
        )}
      </div>
    </section>
  );
}

function Part({ title, empty, children }: { title: string; empty?: string | undefined; children: ReactNode }) {
  return (
    <section>
      <h3>{title}</h3>
      {empty === undefined ? (
        <table className="table dense worst">
          <tbody>{children}</tbody>
        </table>
      ) : (
        <p className="muted">{empty}</p>
      )}
    </section>
  );
}
