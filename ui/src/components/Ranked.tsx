import type { Contribution } from "../api/schema";
import { useWords } from "../i18n/useWords";
import { sign, widest } from "../model/dashboard";
import { count, moneyDecimals, moneyFull, signedMoney } from "../model/format";

/** What the cost changed by, in one sentence: by volume, and by cost per call. */
export function Sentence({ total }: { total: Contribution }) {
  const t = useWords();
  return (
    <p className="panel-note change-total">
      <strong className="num" title={moneyFull(total.change_usd)}>
        {signedMoney(total.change_usd)}
      </strong>{" "}
      <span className="muted">
        {t("overview.parts", { volume: signedMoney(total.volume_usd), unit: signedMoney(total.unit_usd) })}
      </span>
    </p>
  );
}

/** Groups by how much each changed the cost. */
export function Ranked({ rows }: { rows: readonly Contribution[] }) {
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
              {signedMoney(row.change_usd, decimals)}
            </td>
            <td className="change-col">
              <span className={`change-bar ${sign(row.change_usd)}`}>
                <i style={{ width: `${most > 0 ? (Math.abs(Number(row.change_usd)) / most) * 50 : 0}%` }} />
              </span>
            </td>
            <td className="right num muted">{signedMoney(row.volume_usd, decimals)}</td>
            <td className="right num muted">{signedMoney(row.unit_usd, decimals)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
