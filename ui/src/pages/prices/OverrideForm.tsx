import { type FormEvent, useState } from "react";
import { usePutOverride } from "../../api/admin";
import { Switch } from "../../components/Panel";
import { Refusal } from "../../components/Told";
import { useWords } from "../../i18n/useWords";
import { type Draft, type Field, faultOf, faultsOf, RATE_FIELDS, tomlOf } from "../../model/override";
import type { Editing } from "./PricesPage";

type Props = { editing: Editing; onDone: (stored: boolean) => void };

/** An override as fields or as TOML; what is refused is said at the field that is at fault. */
export function OverrideForm({ editing, onDone }: Props) {
  const t = useWords();
  const known = "toml" in editing;
  const [as, setAs] = useState<"form" | "toml">(known ? "toml" : "form");
  const [draft, setDraft] = useState<Draft | null>(known ? null : editing.draft);
  const [name, setName] = useState(known ? editing.name : editing.draft.name);
  const [toml, setToml] = useState(known ? editing.toml : "");
  const [tried, setTried] = useState(false);
  const put = usePutOverride();
  const faults = draft === null ? {} : faultsOf({ ...draft, name });
  const refused = put.error && faultOf(put.error.message);
  const fault = (field: Field): string | undefined => {
    const found = faults[field];
    if (tried && found) return t(`prices.faults.${found}`);
    return refused?.field === field ? put.error?.message : undefined;
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    const wrong = as === "form" ? Object.keys(faults).length > 0 : faults.name !== undefined;
    if (wrong) return;
    const text = as === "form" && draft !== null ? tomlOf(draft) : toml;
    put.mutate({ name, toml: text }, { onSuccess: () => onDone(true) });
  };
  const field = (which: Exclude<Field, "name">) =>
    draft !== null && (
      <Entry
        key={which}
        field={which}
        value={draft[which]}
        fault={fault(which)}
        onChange={(value) => setDraft({ ...draft, [which]: value })}
      />
    );
  const general = refused && (as === "toml" || refused.field === "toml") ? put.error : null;
  return (
    <form className="scroll form override-form" onSubmit={submit} noValidate>
      <div className="form-head">
        <h2>{known ? t("prices.editing", { name }) : t("prices.adding")}</h2>
        {!known && (
          <Switch
            label={t("prices.as")}
            value={as}
            choices={(["form", "toml"] as const).map((value) => ({ value, label: t(`prices.${value}`) }))}
            onChoose={(next) => {
              if (next === "toml" && draft !== null) setToml(tomlOf(draft));
              setAs(next);
            }}
          />
        )}
      </div>
      {!known && <Entry field="name" value={name} fault={fault("name")} onChange={setName} />}
      {as === "form" ? (
        <>
          <div className="form-row">{(["provider", "models"] as const).map(field)}</div>
          <div className="form-row three">{RATE_FIELDS.map(field)}</div>
          <div className="form-row three">{(["valid_from", "checked", "source"] as const).map(field)}</div>
        </>
      ) : (
        <label className="entry">
          <span>{t("prices.toml")}</span>
          <textarea
            className="field"
            rows={14}
            spellCheck={false}
            value={toml}
            aria-invalid={general !== null}
            onChange={(event) => setToml(event.target.value)}
          />
        </label>
      )}
      <Refusal error={general} />
      <div className="form-actions">
        <button type="submit" className="button primary" disabled={put.isPending}>
          {put.isPending ? t("prices.saving") : t("prices.save")}
        </button>
        <button type="button" className="button" onClick={() => onDone(false)}>
          {t("prices.cancel")}
        </button>
      </div>
    </form>
  );
}

const DAYS: ReadonlySet<Field> = new Set(["valid_from", "checked"]);
const HINTED = ["cache_read_mtok", "valid_from", "source"] as const;

type EntryProps = { field: Field; value: string; fault: string | undefined; onChange: (value: string) => void };

function Entry({ field, value, fault, onChange }: EntryProps) {
  const t = useWords();
  const hint = HINTED.find((one) => one === field);
  return (
    <label className="entry">
      <span>{t(`prices.fields.${field}`)}</span>
      <input
        className="field"
        type={DAYS.has(field) ? "date" : "text"}
        inputMode={RATE_FIELDS.some((one) => one === field) ? "decimal" : "text"}
        value={value}
        aria-invalid={fault !== undefined}
        onChange={(event) => onChange(event.target.value)}
      />
      {fault ? (
        <span className="bad small-text" role="alert">
          {fault}
        </span>
      ) : (
        hint && <span className="muted small-text">{t(`prices.hints.${hint}`)}</span>
      )}
    </label>
  );
}
