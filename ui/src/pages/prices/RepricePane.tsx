import { useState } from "react";
import { useReprice } from "../../api/admin";
import { AuditList } from "../../components/AuditList";
import { Failed } from "../../components/States";
import { useWords } from "../../i18n/useWords";
import { count, moneyDecimals, moneyFull, moneyIn, signedMoney } from "../../model/format";
import { difference, type Repriced } from "../../model/reprice";
import type { Range } from "../../model/time";

type Props = { project: string; range: Range; admin: boolean };

/** Pricing stored charges again: what it would change by day and model, then changing it, and who did so before. */
export function RepricePane({ project, range, admin }: Props) {
  const t = useWords();
  const reprice = useReprice();
  const [looked, setLooked] = useState(0);
  const run = (apply: boolean) => {
    setLooked(0);
    reprice.mutate({ project, range, apply, onPart: setLooked });
  };
  const shown = reprice.data;
  const wanted = reprice.variables?.range === range && reprice.variables.project === project;
  return (
    <div className="scroll padded">
      <p className="muted lead">{t("prices.repriceText")}</p>
      {admin && (
        <button type="button" className="button primary" disabled={reprice.isPending} onClick={() => run(false)}>
          {t("prices.preview")}
        </button>
      )}
      {reprice.isPending && (
        <p className="muted" role="status">
          {t(reprice.variables.apply ? "prices.applying" : "prices.looking", { charges: count(looked) })}
        </p>
      )}
      {reprice.error && <Failed error={reprice.error} retry={() => run(false)} />}
      {shown && wanted && !reprice.isPending && (
        <Outcome repriced={shown} applied={shown.applied} onApply={() => run(true)} />
      )}
      {admin && (
        <section className="audit-below" aria-label={t("prices.audit")}>
          <h2>{t("prices.audit")}</h2>
          <AuditList action="price" none={t("prices.auditNone")} />
        </section>
      )}
    </div>
  );
}

function Outcome({ repriced, applied, onApply }: { repriced: Repriced; applied: boolean; onApply: () => void }) {
  const t = useWords();
  const { charges, changed, rows, newly_priced, newly_unpriced } = repriced;
  const figures = { charges: count(charges), changed: count(changed) };
  if (changed === 0)
    return (
      <p className="after" role="status">
        {t("prices.nothing", figures)}
      </p>
    );
  const decimals = moneyDecimals(rows.flatMap((row) => [row.before_usd, row.after_usd]));
  return (
    <section className="repriced">
      <p role="status">
        {t(applied ? "prices.did" : "prices.would", figures)}{" "}
        <strong className="num" title={moneyFull(difference(repriced))}>
          {signedMoney(difference(repriced))}
        </strong>
        {newly_priced > 0 && ` · ${t("prices.newlyPriced", { count: newly_priced })}`}
        {newly_unpriced > 0 && <span className="warn"> · {t("prices.newlyUnpriced", { count: newly_unpriced })}</span>}
      </p>
      <div className="scroll-x">
        <table className="table">
          <thead>
            <tr>
              <th>{t("prices.day")} (UTC)</th>
              <th>{t("prices.model")}</th>
              <th className="right">{t("prices.changes")}</th>
              <th className="right">{t("prices.before")}</th>
              <th className="right">{t("prices.after")}</th>
              <th className="right">{t("prices.difference")}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={`${row.day} ${row.provider} ${row.model}`}>
                <td className="num">{row.day}</td>
                <td>
                  {row.model} <span className="muted">{row.provider}</span>
                </td>
                <td className="right num">{count(row.changed)}</td>
                <td className="right num" title={moneyFull(row.before_usd)}>
                  {moneyIn(row.before_usd, decimals).value}
                </td>
                <td className="right num" title={moneyFull(row.after_usd)}>
                  {moneyIn(row.after_usd, decimals).value}
                </td>
                <td className="right num" title={moneyFull(difference(row))}>
                  {signedMoney(difference(row), decimals)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {!applied && (
        <button type="button" className="button primary" onClick={onApply}>
          {t("prices.apply", figures)}
        </button>
      )}
    </section>
  );
}
