import { useQuery } from "@tanstack/react-query";
import { useDeferredValue, useState } from "react";
import { pricesQuery } from "../../api/admin";
import { Split } from "../../components/Split";
import { Empty, Failed, SkeletonRows } from "../../components/States";
import { useWords } from "../../i18n/useWords";
import { count } from "../../model/format";
import type { PricesSearch } from "../../router";
import { Price } from "./Price";
import type { Editing } from "./PricesPage";

type Props = {
  search: PricesSearch;
  set: (part: { [Part in keyof PricesSearch]?: PricesSearch[Part] | undefined }) => void;
  admin: boolean;
  onEdit: (next: Editing) => void;
};

/** Every model with a price, found by a part of its name; a chosen one shows its rates. */
export function Entries({ search, set, admin, onEdit }: Props) {
  const t = useWords();
  const { q = "", model, provider } = search;
  const [typed, setTyped] = useState(q);
  const wanted = useDeferredValue(typed.trim());
  const { data, error, refetch } = useQuery(pricesQuery(wanted));
  const choose = (next: { model: string; provider: string } | undefined) =>
    set({ q: wanted || undefined, model: next?.model, provider: next?.provider, tier: undefined });
  return (
    <Split
      detail={
        model !== undefined && (
          <Price
            key={`${provider} ${model}`}
            search={{ ...search, model }}
            set={set}
            admin={admin}
            onEdit={onEdit}
            onClose={() => choose(undefined)}
          />
        )
      }
    >
      <div className="scroll">
        <div className="list-tools">
          <input
            type="search"
            className="field"
            value={typed}
            placeholder={t("prices.search")}
            aria-label={t("prices.search")}
            onChange={(event) => setTyped(event.target.value)}
            onBlur={() => wanted !== q && set({ q: wanted || undefined })}
          />
          {data && (
            <span className="muted small-text">
              {t("prices.found", { count: data.total, total: count(data.total) })}
            </span>
          )}
        </div>
        {!data && error && <Failed error={error} retry={() => void refetch()} />}
        {!data && !error && <SkeletonRows count={12} />}
        {data?.prices.length === 0 && <Empty title={t("prices.none")} text={t("prices.noneText")} />}
        {data && data.prices.length > 0 && (
          <table className="table">
            <thead>
              <tr>
                <th>{t("prices.model")}</th>
                <th>{t("prices.provider")}</th>
                <th className="wide-only">{t("prices.source")}</th>
                <th className="wide-only">{t("prices.checked")}</th>
              </tr>
            </thead>
            <tbody>
              {data.prices.map((row) => (
                <tr
                  key={`${row.provider} ${row.model} ${row.source}`}
                  className={row.model === model && row.provider === provider ? "cursor" : ""}
                >
                  <td>
                    <button type="button" className="row-link" onClick={() => choose(row)}>
                      {row.model}
                    </button>
                  </td>
                  <td className="muted">{row.provider}</td>
                  <td className="muted wide-only">
                    {row.source.startsWith("override") ? <span className="chip">{row.source}</span> : row.source}
                  </td>
                  <td className="muted num wide-only">{row.checked}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
        {data?.truncated && (
          <p className="truncated muted" role="status">
            {t("prices.truncated", { shown: count(data.prices.length) })}
          </p>
        )}
      </div>
    </Split>
  );
}
