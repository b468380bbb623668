import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { send } from "../../api/client";
import type { AlertRow, Tried } from "../../api/schema";
import { Ago, Clock } from "../../components/Moment";
import { Refusal } from "../../components/Told";
import { useNarrow } from "../../components/useNarrow";
import { useWords } from "../../i18n/useWords";
import { amountText, bodyOf, draftOf, reached } from "../../model/alerts";
import { count } from "../../model/format";
import { alertsUrl } from "./AlertsPage";

type Props = { project: string; rules: readonly AlertRow[]; onEdit: (row: AlertRow) => void };

/** Every alert with its value against its limit, those that fire first. */
export function AlertTable({ project, rules, onEdit }: Props) {
  const t = useWords();
  const narrow = useNarrow();
  const order = ["firing", "unknown", "ok", "off"];
  const sorted = [...rules].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
  return (
    <div className="scroll-x">
      <table className="table alert-table">
        <thead>
          <tr>
            <th>{t("alerts.columns.alert")}</th>
            <th className="right">{t("alerts.columns.value")}</th>
            <th>{t("alerts.columns.limit")}</th>
            <th className="wide-only">{t("alerts.columns.tells")}</th>
            <th className="right wide-only">{t("alerts.columns.judged")}</th>
            {!narrow && (
              <th>
                <span className="sr-only">{t("alerts.columns.actions")}</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {sorted.map((row) => (
            <Row key={row.rule_id} project={project} row={row} onEdit={() => onEdit(row)} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

const DOTS = { firing: "error", ok: "success", unknown: "interrupted", off: "" } as const;

function Row({ project, row, onEdit }: { project: string; row: AlertRow; onEdit: () => void }) {
  const t = useWords();
  const narrow = useNarrow();
  const actions = <Actions project={project} row={row} onEdit={onEdit} />;
  return (
    <tr className={row.state}>
      <td>
        <span className="alert-name">
          <i className={`dot ${DOTS[row.state]}`} />
          <strong>{row.name}</strong>
          <span className={row.state === "firing" ? "bad" : "muted"}>{t(`alerts.state.${row.state}`)}</span>
          {row.since_us !== null && (
            <span className="muted">
              <Clock us={row.since_us} />
            </span>
          )}
        </span>
        <span className="muted alert-what">
          {t(`alerts.kind.${row.kind}`)} · {t(`alerts.window.${row.window}`)}
          {row.scope_by !== "none" && ` · ${t(`alerts.by.${row.scope_by}`)} ${row.scope_key}`}
          {row.level !== null && ` · ${t("alerts.level", { level: row.level })}`}
        </span>
        {narrow && actions}
      </td>
      <td className="right num">
        <Value row={row} />
      </td>
      <td>
        <Limit row={row} />
      </td>
      <td className="wide-only muted">
        {row.targets.length === 0
          ? t("alerts.nobody")
          : row.targets.map((one) => t(`alerts.target.${one.kind}`)).join(", ")}
      </td>
      <td className="right muted wide-only">
        <Ago us={row.evaluated_us} />
      </td>
      {!narrow && <td>{actions}</td>}
    </tr>
  );
}

/** An amount with the words of its unit. */
export function useAmount(): (value: string, unit: string) => string {
  const t = useWords();
  return (value, unit) => {
    const text = amountText(value, unit);
    return unit === "points" || unit === "calls" || unit === "tokens" ? t(`alerts.${unit}`, { value: text }) : text;
  };
}

function Value({ row }: { row: AlertRow }) {
  const t = useWords();
  const amount = useAmount();
  if (row.value === null) {
    const why = row.evaluated_us === null ? "waiting" : row.why;
    return <span className="faint">— {why && t(`alerts.why.${why}` as "alerts.why.no_calls")}</span>;
  }
  const text = amount(row.value, row.unit);
  const doubts = [
    row.missing_calls ? t("alerts.missing", { missing: count(row.missing_calls), calls: count(row.calls ?? 0) }) : "",
    row.unpriced_calls
      ? t("alerts.unpriced", { unpriced: count(row.unpriced_calls), calls: count(row.calls ?? 0) })
      : "",
  ].filter(Boolean);
  return (
    <span title={doubts.join("; ") || undefined}>
      {row.at_least ? t("alerts.atLeast", { value: text }) : text}
      {row.at_least && <span className="tag outlined">≥</span>}
    </span>
  );
}

function Limit({ row }: { row: AlertRow }) {
  const t = useWords();
  const amount = useAmount();
  const share = reached(row);
  const limit = amount(row.limit, row.unit);
  const side =
    row.kind === "coverage" ? "below" : row.kind === "budget" ? "of" : row.kind === "anomaly" ? "usualAbove" : "above";
  return (
    <span className="alert-limit">
      <span className="num">{t(`alerts.${side}`, { limit })}</span>
      {share !== null && (
        <span className={`alert-bar ${row.state}`} aria-hidden="true">
          <i style={{ width: `${share * 100}%` }} />
          {row.kind === "budget" &&
            row.levels.filter((level) => level < 100).map((level) => <b key={level} style={{ left: `${level}%` }} />)}
        </span>
      )}
    </span>
  );
}

function Actions({ project, row, onEdit }: { project: string; row: AlertRow; onEdit: () => void }) {
  const t = useWords();
  const cache = useQueryClient();
  const [said, setSaid] = useState<ReactNode>("");
  const [sure, setSure] = useState(false);
  const url = `${alertsUrl(project)}/${row.rule_id}`;
  const act = async (work: () => Promise<string>) => {
    setSaid(await work().catch((failure: unknown) => <Refusal error={failure} />));
    await cache.invalidateQueries({ queryKey: ["project", project, "alerts"] });
  };
  const test = () =>
    act(async () => {
      const { targets } = await send<Tried>("POST", `${url}/test`);
      if (targets.length === 0) return t("alerts.tried.none");
      return targets.map((one) => `${t(`alerts.target.${one.kind}`)}: ${one.error ?? t("alerts.tried.ok")}`).join("; ");
    });
  const turn = () => act(() => send("PUT", url, bodyOf({ ...draftOf(row), enabled: !row.enabled })).then(() => ""));
  const remove = () => (sure ? act(() => send("DELETE", url).then(() => "")) : Promise.resolve(setSure(true)));
  return (
    <span className="alert-actions">
      <button type="button" className="quiet small" onClick={onEdit}>
        {t("alerts.actions.edit")}
      </button>
      <button type="button" className="quiet small" onClick={() => void test()}>
        {t("alerts.actions.test")}
      </button>
      <button type="button" className="quiet small" onClick={() => void turn()}>
        {t(row.enabled ? "alerts.actions.off" : "alerts.actions.on")}
      </button>
      <button
        type="button"
        className={sure ? "quiet small bad" : "quiet small"}
        onClick={() => void remove()}
        onBlur={() => setSure(false)}
      >
        {t(sure ? "alerts.actions.reallyDelete" : "alerts.actions.delete")}
      </button>
      <span role="status" className="alert-said muted">
        {said}
      </span>
    </span>
  );
}
