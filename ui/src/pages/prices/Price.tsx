import { useQuery } from "@tanstack/react-query";
import { priceQuery } from "../../api/admin";
import type { Rate } from "../../api/schema";
import { CloseIcon } from "../../components/icons";
import { Failed, Skeleton } from "../../components/States";
import type { en } from "../../i18n/en";
import { useWords } from "../../i18n/useWords";
import { classOf } from "../../model/classes";
import { count, moneyFull } from "../../model/format";
import { draftForPrice } from "../../model/override";
import type { PricesSearch } from "../../router";
import type { Editing } from "./PricesPage";
import { today } from "./today";

type Props = {
  search: PricesSearch & { model: string };
  set: (part: { [Part in keyof PricesSearch]?: PricesSearch[Part] | undefined }) => void;
  admin: boolean;
  onEdit: (next: Editing) => void;
  onClose: () => void;
};
type Reason = keyof typeof en.reasons;

/** What one model costs, on a day and in a service tier. */
export function Price({ search, set, admin, onEdit, onClose }: Props) {
  const t = useWords();
  const { model, provider, at, tier } = search;
  const { data, error, refetch } = useQuery(priceQuery(model, provider, at, tier));
  return (
    <section className="detail price" aria-label={model}>
      <header className="price-head">
        <h2 className="ellipsis" title={model}>
          {model}
        </h2>
        <button type="button" className="quiet icon" onClick={onClose} aria-label={t("prices.close")}>
          <CloseIcon />
        </button>
      </header>
      <div className="form-row">
        <label className="entry">
          <span>{t("prices.at")}</span>
          <input
            type="date"
            className="field small"
            value={at ?? ""}
            onChange={(event) => set({ at: event.target.value || undefined })}
          />
        </label>
        <label className="entry">
          <span>{t("prices.tier")}</span>
          <select
            className="field small"
            value={tier ?? ""}
            onChange={(event) => set({ tier: event.target.value || undefined })}
          >
            <option value="">{t("prices.standard")}</option>
            {(data?.tiers ?? []).map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </div>
      {!data && error && <Failed error={error} retry={() => void refetch()} />}
      {!data && !error && <Skeleton />}
      {data?.reason && (
        <p className="warn">
          {t("prices.noRates", { reason: t(`reasons.${data.reason as Reason}`, { defaultValue: data.reason }) })}
        </p>
      )}
      {data && data.rates.length > 0 && <Rates rates={data.rates} />}
      {data?.source && (
        <p className="muted small-text">
          {t("prices.source")}: {data.entry} · {data.source}
        </p>
      )}
      {data && admin && (
        <button
          type="button"
          className="button"
          onClick={() => onEdit({ draft: draftForPrice(provider ?? data.provider ?? "", model, data.rates, today()) })}
        >
          {t("prices.override")}
        </button>
      )}
    </section>
  );
}

function Rates({ rates }: { rates: readonly Rate[] }) {
  const t = useWords();
  return (
    <table className="table rates">
      <thead>
        <tr>
          <th>{t("prices.rate")}</th>
          <th className="right">$</th>
          <th>{t("prices.per")}</th>
        </tr>
      </thead>
      <tbody>
        {rates.map((rate) => (
          <tr key={`${rate.key} ${rate.over}`}>
            <td title={rate.source}>
              <RateName name={rate.key} />{" "}
              {rate.over !== null && (
                <span className="muted small-text beside">{t("prices.over", { tokens: count(rate.over) })}</span>
              )}
            </td>
            <td className="right num">{rate.usd === null ? t("prices.unknownRate") : moneyFull(rate.usd)}</td>
            <td className="muted">
              {rate.per === 1_000_000
                ? t("prices.perMtok")
                : rate.per === 1_000
                  ? t("prices.perKcount")
                  : t("prices.perOne")}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function RateName({ name }: { name: string }) {
  const t = useWords();
  const plain = name.replace(/^per_unit\./, "").replace(/_(mtok|kcount)$/, "");
  const family = name.endsWith("_mtok") ? classOf(plain) : null;
  return (
    <>
      <i className={`swatch ${family ? `tc-${family}` : "meter"}`} />
      {family === plain ? t(`tokenClass.${family}`) : plain.replaceAll("_", " ")}
    </>
  );
}
