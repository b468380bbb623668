import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { dearestQuery } from "../../api/queries";
import { Explained } from "../../components/Explain";
import { Cost, Duration, TokenSum } from "../../components/Figures";
import { Clock } from "../../components/Moment";
import { Panel } from "../../components/Panel";
import { StatusDot } from "../../components/Status";
import { useWords } from "../../i18n/useWords";
import { moneyDecimals } from "../../model/format";
import type { Range } from "../../model/time";

/** The ten dearest traces, opened at the run that cost most. */
export function Dearest({ project, range }: { project: string; range: Range }) {
  const t = useWords();
  const asked = useQuery(dearestQuery(project, range));
  const rows = asked.data?.traces ?? [];
  const decimals = moneyDecimals(rows.map((row) => row.cost_known_usd));
  return (
    <Panel asked={asked} title={t("overview.dearest")}>
      <table className="table dense">
        <thead>
          <tr>
            <th>{t("traces.name")}</th>
            <th className="right wide-only">{t("traces.started")}</th>
            <th className="wide-only">{t("overview.dearestNode")}</th>
            <th className="right wide-only">{t("traces.duration")}</th>
            <th className="right">{t("count.tokens")}</th>
            <th className="right">{t("count.cost")}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.trace_id}>
              <td>
                <StatusDot status={row.status} />{" "}
                <Link
                  className="row-link"
                  to="/projects/$project/traces/$traceId"
                  params={{ project, traceId: row.trace_id }}
                  search={{ run: row.dearest_run_id }}
                >
                  {row.name}
                </Link>
              </td>
              <td className="right muted wide-only">
                <Clock us={row.start_us} />
              </td>
              <td className="wide-only muted">{row.dearest_node}</td>
              <td className="right wide-only">
                <Duration ms={row.duration_ms} />
              </td>
              <td className="right">
                <Explained cell={{ traceId: row.trace_id }}>
                  <TokenSum totals={row} />
                </Explained>
              </td>
              <td className="right">
                <Explained cell={{ traceId: row.trace_id }}>
                  <Cost totals={row} decimals={decimals} />
                </Explained>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}
