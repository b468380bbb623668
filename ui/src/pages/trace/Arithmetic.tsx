import type { ChargeRow } from "../../api/schema";
import { en } from "../../i18n/en";
import { useWords } from "../../i18n/useWords";
import { classOf } from "../../model/classes";
import { explain } from "../../model/explain";
import { count, moneyFull } from "../../model/format";

type Reason = keyof typeof en.reasons;

/** The arithmetic of a cost: one line a class and price, and the exact sum beneath. */
export function Arithmetic({ charges }: { charges: readonly ChargeRow[] }) {
  const t = useWords();
  const { terms, usd, unpriced } = explain(charges);
  return (
    <table className="arithmetic">
      <tbody>
        {terms.map((term) => {
          const family = classOf(term.tokenClass);
          return (
            <tr key={`${term.tokenClass} ${term.rateUsd} ${term.entry}`}>
              <td className="num right">{count(Number(term.count))}</td>
              <td>
                <i className={`swatch ${family ? `tc-${family}` : "meter"}`} />
                {family && family === term.tokenClass
                  ? t(`tokenClass.${family}`)
                  : term.tokenClass.replaceAll("_", " ")}
              </td>
              <td className="num rate">
                × {moneyFull(term.rateUsd)}
                {term.per > 1 && <span className="unit"> {t("detail.perMtok")}</span>}
              </td>
              <td className="num right">= {moneyFull(term.usd)}</td>
            </tr>
          );
        })}
        {unpriced.map((charge) => (
          <tr key={charge.charge_key} className="warn">
            <td className="num right">{charge.total_tokens === null ? "—" : count(charge.total_tokens)}</td>
            <td colSpan={3}>
              {charge.response_model ?? charge.request_model ?? charge.call_path}
              {" · "}
              {t("detail.unpricedBecause", { reason: reasonText(charge.cost_reason) })}
            </td>
          </tr>
        ))}
      </tbody>
      {terms.length > 0 && (
        <tfoot>
          <tr>
            <td />
            <td colSpan={2}>{t("trace.total")}</td>
            <td className="num right">
              <strong>{moneyFull(usd)}</strong>
            </td>
          </tr>
        </tfoot>
      )}
    </table>
  );

  function reasonText(reason: string | null): string {
    return reason !== null && reason in en.reasons ? t(`reasons.${reason as Reason}`) : (reason ?? "—");
  }
}
