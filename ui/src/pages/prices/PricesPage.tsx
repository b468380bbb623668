import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { missingQuery } from "../../api/admin";
import { sessionQuery } from "../../api/session";
import { Switch } from "../../components/Panel";
import { useWords } from "../../i18n/useWords";
import type { Draft } from "../../model/override";
import { DEFAULT_RANGE } from "../../model/time";
import { PRICE_TABS, type PricesSearch, type PriceTab } from "../../router";
import { Entries } from "./Entries";
import { Missing } from "./Missing";
import { OverrideForm } from "./OverrideForm";
import { Overrides } from "./Overrides";
import { RepricePane } from "./RepricePane";

const FROM = "/projects/$project/prices";

/** An override in the making: of fields, or the text of one that is there. */
export type Editing = { readonly draft: Draft } | { readonly name: string; readonly toml: string };

/** What things cost, what has no price, and what another price would change. */
export function PricesPage() {
  const t = useWords();
  const { project } = useParams({ from: FROM });
  const search = useSearch({ from: FROM });
  const navigate = useNavigate();
  const { range = DEFAULT_RANGE } = search;
  const missing = useQuery(missingQuery(project, range));
  const lacking = missing.data?.missing.length ?? 0;
  const { tab = lacking > 0 ? "missing" : "entries" } = search;
  const admin = useQuery(sessionQuery).data?.scopes.includes("admin") ?? false;
  const [editing, setEditing] = useState<Editing>();
  const [saved, setSaved] = useState(false);
  const set = (part: { [Part in keyof PricesSearch]?: PricesSearch[Part] | undefined }) =>
    void navigate({
      to: ".",
      search: (now) =>
        Object.fromEntries(Object.entries({ ...now, ...part }).filter(([, value]) => value !== undefined)),
    });
  const edit = (next: Editing) => {
    setSaved(false);
    setEditing(next);
  };
  const label = (value: PriceTab) =>
    value === "missing" && lacking > 0 ? `${t("prices.tabs.missing")} ${lacking}` : t(`prices.tabs.${value}`);
  return (
    <div className="page fill">
      <div className="page-head">
        <h1>{t("prices.title")}</h1>
        <Switch
          label={t("prices.tab")}
          value={tab}
          choices={PRICE_TABS.map((value) => ({ value, label: label(value) }))}
          onChoose={(next) => {
            setEditing(undefined);
            set({ tab: next });
          }}
        />
        {!admin && <p className="muted small-text">{t("prices.needAdmin")}</p>}
      </div>
      {saved && (
        <p className="notice" role="status">
          {t("prices.saved")}{" "}
          <button type="button" className="link" onClick={() => set({ tab: "reprice" })}>
            {t("prices.tabs.reprice")}
          </button>
        </p>
      )}
      {editing ? (
        <OverrideForm
          editing={editing}
          onDone={(stored) => {
            setEditing(undefined);
            setSaved(stored);
            if (stored) set({ tab: "overrides" });
          }}
        />
      ) : (
        <>
          {tab === "missing" && <Missing project={project} asked={missing} admin={admin} onEdit={edit} />}
          {tab === "overrides" && <Overrides admin={admin} onEdit={edit} />}
          {tab === "entries" && <Entries search={search} set={set} admin={admin} onEdit={edit} />}
          {tab === "reprice" && <RepricePane project={project} range={range} admin={admin} />}
        </>
      )}
    </div>
  );
}
