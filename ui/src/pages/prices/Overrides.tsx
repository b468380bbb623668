import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { overridesQuery, useDropOverride } from "../../api/admin";
import type { Override } from "../../api/schema";
import { Ago } from "../../components/Moment";
import { Empty, Failed, SkeletonRows } from "../../components/States";
import { Refusal } from "../../components/Told";
import { useWords } from "../../i18n/useWords";
import { emptyDraft } from "../../model/override";
import type { Editing } from "./PricesPage";
import { today } from "./today";

type Props = { admin: boolean; onEdit: (next: Editing) => void };

/** Prices of one's own, which win over all others. */
export function Overrides({ admin, onEdit }: Props) {
  const t = useWords();
  const { data, error, refetch } = useQuery(overridesQuery);
  const add = admin && (
    <button type="button" className="button primary" onClick={() => onEdit({ draft: emptyDraft(today()) })}>
      {t("prices.add")}
    </button>
  );
  if (!data) return error ? <Failed error={error} retry={() => void refetch()} /> : <SkeletonRows count={4} />;
  if (data.overrides.length === 0) {
    return (
      <Empty title={t("prices.overridesNone")} text={t("prices.overridesNoneText")}>
        {add}
      </Empty>
    );
  }
  return (
    <div className="scroll padded">
      <div className="stacked">
        {data.overrides.map((override) => (
          <One key={override.name} override={override} admin={admin} onEdit={onEdit} />
        ))}
      </div>
      {add}
    </div>
  );
}

function One({ override, admin, onEdit }: Props & { override: Override }) {
  const t = useWords();
  const [asking, setAsking] = useState(false);
  const drop = useDropOverride();
  return (
    <section className="override">
      <header>
        <h2>{override.name}</h2>
        <span className="muted small-text">
          {t("prices.changed")} <Ago us={override.changed_us} />
        </span>
        <span className="spring" />
        {admin && (
          <>
            <button type="button" className="button" onClick={() => onEdit(override)}>
              {t("prices.edit")}
            </button>
            <button type="button" className="button" onClick={() => setAsking(true)}>
              {t("prices.remove")}
            </button>
          </>
        )}
      </header>
      {asking && (
        <p className="notice warn" role="alert">
          {t("prices.removeSure", { name: override.name })}{" "}
          <button
            type="button"
            className="button danger"
            disabled={drop.isPending}
            onClick={() => drop.mutate(override.name)}
          >
            {t("prices.remove")}
          </button>
          <button type="button" className="button" onClick={() => setAsking(false)}>
            {t("prices.cancel")}
          </button>
        </p>
      )}
      <Refusal error={drop.error} />
      <pre>{override.toml}</pre>
    </section>
  );
}
