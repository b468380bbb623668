import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { contributionsQuery } from "../../api/queries";
import type { Contribution } from "../../api/schema";
import { Panel, Switch } from "../../components/Panel";
import { useWords } from "../../i18n/useWords";
import { sign, widest } from "../../model/dashboard";
import { count, money, moneyDecimals, moneyFull, moneyIn } from "../../model/format";
import type { Range } from "../../model/time";
import { CAUSES } from "../../router";

const SHOWN = 8;

/** Money with its sign: `+$1.20`, `−$0.30`, `$0.00`; in a column with the places of the column. */
function signed(usd: string, decimals?: number): string {
  const size = usd.replace(/^-/, "");
  const shown = (decimals === undefined ? money(size) : moneyIn(size, decimals)).value;
  return { up: `+${shown}`, down: `−${shown}`, same: shown }[sign(usd)];
}

/** Ranked by how much each group changed the cost since the period before, in volume and in cost per call. */
export function WhatChanged({ project, range }: { project: string; range: Range }) {
  const t = useWords();
  const navigate = useNavigate();
  const { why = "node" } = useSearch({ from: "/projects/$project/overview" });
  const asked = useQuery(contributionsQuery(project, range, why));
  if (range === "all") {
    return (
      <Panel title={t("overview.changed")} asked={{ ...asked, data: null }}>
        <p className="muted panel-note">{t("overview.noBefore")}</p>
      </Panel>
    );
  }
  const data = asked.data;
  const rows = data?.groups.filter((row) => row.change_usd !== "0").slice(0, SHOWN) ?? [];
  return (
    <Panel
      asked={asked}
      title={t("overview.changed")}
      actions={
        <Switch
          label={t("overview.splitBy")}
          value={why}
          choices={CAUSES.map((value) => ({ value, label: t(`overview.by.${value}`) }))}
          onChoose={(next) => void navigate({ to: ".", search: (now) => ({ ...now, why: next }) })}
        />
      }
    >
      {data && <Sentence total={data.total} />}
      {rows.length === 0 ? <p className="muted panel-note">{t("overview.noChange")}</p> : <Ranked rows={rows} />}
    </Panel>
  );
}

function Sentence({ total }: { total: Contribution }) {
  const t = useWords();
  return (
    <p className="panel-note change-total">
      <strong className="num" title={moneyFull(total.change_usd)}>
        {signed(total.change_usd)}
      </strong>{" "}
      <span className="muted">
        {t("overview.parts", { volume: signed(total.volume_usd), unit: signed(total.unit_usd) })}
      </span>
    </p>
  );
}

function Ranked({ rows }: { rows: readonly Contribution[] }) {
  const t = useWords();
  const most = widest(rows);
  const decimals = moneyDecimals(rows.map((row) => row.change_usd));
  return (
    <table className="table dense">
      <thead>
        <tr>
          <th>{t("overview.group")}</th>
          <th className="right wide-only">{t("count.llmCalls")}</th>
          <th className="right">{t("overview.change")}</th>
          <th className="change-col">
            <span className="sr-only">{t("overview.change")}</span>
          </th>
          <th className="right">{t("overview.volume")}</th>
          <th className="right">{t("overview.unit")}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.key ?? ""}>
            <td className="ellipsis">{row.key ?? <span className="muted">{t("overview.unnamed")}</span>}</td>
            <td className="right num wide-only">
              <span className="muted">{count(row.before.llm_calls)} → </span>
              {count(row.after.llm_calls)}
            </td>
            <td className="right num" title={moneyFull(row.change_usd)}>
              {signed(row.change_usd, decimals)}
            </td>
            <td className="change-col">
              <span className={`change-bar ${sign(row.change_usd)}`}>
                <i style={{ width: `${most > 0 ? (Math.abs(Number(row.change_usd)) / most) * 50 : 0}%` }} />
              </span>
            </td>
            <td className="right num muted">{signed(row.volume_usd, decimals)}</td>
            <td className="right num muted">{signed(row.unit_usd, decimals)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
