import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { nodesQuery } from "../../api/queries";
import { Explained } from "../../components/Explain";
import { Cost } from "../../components/Figures";
import { keepRange } from "../../components/Frame";
import { Panel } from "../../components/Panel";
import { Spark } from "../../components/Spark";
import { TokenBar } from "../../components/TokenBar";
import { Share } from "../../components/UsageTable";
import { useCourses } from "../../components/useCourses";
import { useWords } from "../../i18n/useWords";
import { count, moneyDecimals } from "../../model/format";
import type { Range } from "../../model/time";

const SHOWN = 8;

/** Nodes by cost, each with its tokens by class and its course over the range. */
export function Where({ project, range }: { project: string; range: Range }) {
  const t = useWords();
  const asked = useQuery(nodesQuery(project, range));
  const courses = useCourses(project, range, "node");
  const rows = asked.data?.nodes.filter((row) => row.llm_calls > 0).slice(0, SHOWN) ?? [];
  const most = Math.max(1, ...rows.map((row) => row.total_tokens));
  const decimals = moneyDecimals(rows.map((row) => row.cost_known_usd));
  return (
    <Panel
      asked={asked}
      title={t("overview.where")}
      actions={
        <Link className="more" to="/projects/$project/nodes" params={{ project }} search={keepRange}>
          {t("overview.allNodes")}
        </Link>
      }
    >
      {rows.length === 0 ? (
        <p className="muted panel-note">{t("nodes.emptyText")}</p>
      ) : (
        <table className="table dense">
          <thead>
            <tr>
              <th>{t("nodes.node")}</th>
              <th className="right wide-only">{t("count.llmCalls")}</th>
              <th className="bar-col">{t("count.tokens")}</th>
              <th className="right">{t("count.cost")}</th>
              <th className="share-col">{t("nodes.share")}</th>
              <th className="wide-only">{t("overview.trend")}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.node}>
                <td>
                  <strong>{row.node}</strong>
                </td>
                <td className="right num wide-only">{count(row.llm_calls)}</td>
                <td className="bar-col">
                  <TokenBar totals={row} most={most} />
                </td>
                <td className="right">
                  <Explained cell={{ by: "node", key: row.node }}>
                    <Cost totals={row} decimals={decimals} />
                  </Explained>
                </td>
                <td className="share-col">{row.share !== null && <Share share={row.share} />}</td>
                <td className="wide-only">
                  <Spark values={courses.get(row.node)} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}
