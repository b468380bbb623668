import type { UseQueryResult } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { MissingPrices } from "../../api/schema";
import { Tokens } from "../../components/Figures";
import { keepRange } from "../../components/Frame";
import { Ago } from "../../components/Moment";
import { Empty, Failed, SkeletonRows } from "../../components/States";
import type { en } from "../../i18n/en";
import { useWords } from "../../i18n/useWords";
import { quoted } from "../../model/filter";
import { count } from "../../model/format";
import { draftForMissing } from "../../model/override";
import type { Editing } from "./PricesPage";
import { today } from "./today";

type Props = {
  project: string;
  asked: UseQueryResult<MissingPrices>;
  admin: boolean;
  onEdit: (next: Editing) => void;
};
type Reason = keyof typeof en.reasons;

/** Models that were called and have no price: how often, why, and the override that would cure it. */
export function Missing({ project, asked, admin, onEdit }: Props) {
  const t = useWords();
  if (!asked.data)
    return asked.error ? <Failed error={asked.error} retry={() => void asked.refetch()} /> : <SkeletonRows count={4} />;
  const rows = asked.data.missing;
  if (rows.length === 0) return <Empty title={t("prices.missingNone")} text={t("prices.missingNoneText")} />;
  return (
    <div className="scroll">
      <table className="table">
        <thead>
          <tr>
            <th>{t("prices.model")}</th>
            <th className="wide-only">{t("prices.provider")}</th>
            <th className="wide-only">{t("prices.reason")}</th>
            <th className="right">{t("prices.calls")}</th>
            <th className="right wide-only">{t("tokenClass.input")}</th>
            <th className="right wide-only">{t("tokenClass.output")}</th>
            <th className="right wide-only">{t("prices.last")}</th>
            <th aria-label={t("prices.setPrice")} />
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row.provider} ${row.model} ${row.reason}`}>
              <td>
                <strong>
                  <bdi>{row.model ?? t("models.unknown")}</bdi>
                </strong>
              </td>
              <td className="muted wide-only">{row.provider}</td>
              <td className="wide-only">
                <span className="tag outlined">
                  {t(`reasons.${row.reason as Reason}`, { defaultValue: row.reason })}
                </span>
              </td>
              <td className="right num">{count(row.calls)}</td>
              <td className="right wide-only">
                <Tokens value={row.input_tokens} />
              </td>
              <td className="right wide-only">
                <Tokens value={row.output_tokens} />
              </td>
              <td className="right muted wide-only">
                <Ago us={row.last_us} />
              </td>
              <td className="row-actions">
                {row.model && (
                  <Link
                    className="button"
                    to="/projects/$project/traces"
                    params={{ project }}
                    search={(now) => ({
                      ...keepRange(now),
                      filter: `and(eq(model, ${quoted(row.model ?? "")}), eq(cost_status, "unpriced"))`,
                    })}
                  >
                    {t("prices.showTraces")}
                  </Link>
                )}
                {admin && (
                  <button
                    type="button"
                    className="button primary"
                    onClick={() => onEdit({ draft: draftForMissing(row, today()) })}
                  >
                    {t("prices.setPrice")}
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
