import { type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { CloseIcon } from "../../components/icons";
import { Refusal } from "../../components/Told";
import { useWords } from "../../i18n/useWords";
import {
  type Draft,
  KINDS,
  type Kind,
  needsCalls,
  SCOPES,
  type ScopeBy,
  TARGETS,
  type TargetDraft,
  type TargetKind,
  unitOf,
  type WindowName,
  windowsOf,
  withKind,
} from "../../model/alerts";
import { Preview } from "./Preview";

type Props = {
  project: string;
  first: Draft;
  isNew: boolean;
  onSave: (draft: Draft) => Promise<void>;
  onClose: () => void;
};

/** Makes or changes an alert; its preview on history stands beside the fields. */
export function AlertForm({ project, first, isNew, onSave, onClose }: Props) {
  const t = useWords();
  const dialog = useRef<HTMLDialogElement>(null);
  const [draft, setDraft] = useState(first);
  const [problem, setProblem] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => dialog.current?.showModal(), []);
  const set = (change: Partial<Draft>) => setDraft((now) => ({ ...now, ...change }));
  const save = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      await onSave(draft);
    } catch (failure) {
      setProblem(failure);
      setBusy(false);
    }
  };
  const title = isNew ? t("alerts.create") : t("alerts.edit");
  return (
    <dialog ref={dialog} className="dialog alert-dialog" onClose={onClose} aria-label={title}>
      <header>
        <h2>{title}</h2>
        <button type="button" className="quiet icon" onClick={onClose} aria-label={t("alerts.actions.cancel")}>
          <CloseIcon />
        </button>
      </header>
      <div className="alert-columns">
        <form onSubmit={(event) => void save(event)} className="alert-form">
          <Fields draft={draft} set={set} setKind={(kind) => setDraft((now) => withKind(now, kind))} />
          <Targets targets={draft.targets} onChange={(targets) => set({ targets })} />
          <Refusal error={problem} />
          <footer>
            <button type="submit" className="button primary" disabled={busy || draft.name.trim() === ""}>
              {t("alerts.actions.save")}
            </button>
            <button type="button" className="button" onClick={onClose}>
              {t("alerts.actions.cancel")}
            </button>
          </footer>
        </form>
        <Preview project={project} draft={draft} />
      </div>
    </dialog>
  );
}

type FieldsProps = { draft: Draft; set: (change: Partial<Draft>) => void; setKind: (kind: Kind) => void };

function Fields({ draft, set, setKind }: FieldsProps) {
  const t = useWords();
  const limitName = draft.kind === "budget" ? "amount" : draft.kind === "anomaly" ? "rise" : "limit";
  return (
    <>
      <Entry label={t("alerts.form.name")} wide value={draft.name} onChange={(name) => set({ name })} />
      <Choose
        label={t("alerts.form.kind")}
        wide
        note={t(`alerts.kindHelp.${draft.kind}`)}
        value={draft.kind}
        choices={KINDS.map((kind) => [kind, t(`alerts.kind.${kind}`)])}
        onChoose={(value) => setKind(value as Kind)}
      />
      <Entry
        label={`${t(`alerts.form.${limitName}`)} (${t(`alerts.unit.${unitOf(draft.kind) as "usd"}`)})`}
        number="decimal"
        value={draft.limit}
        onChange={(limit) => set({ limit })}
      />
      <Choose
        label={t("alerts.form.window")}
        value={draft.window}
        choices={windowsOf(draft.kind).map((name) => [name, t(`alerts.window.${name}`)])}
        onChoose={(value) => set({ window: value as WindowName })}
      />
      <Choose
        label={t("alerts.form.scope")}
        value={draft.scopeBy}
        choices={SCOPES.map((name) => [name, t(`alerts.scope.${name}`)])}
        onChoose={(value) => set({ scopeBy: value as ScopeBy })}
      />
      {draft.scopeBy !== "none" && (
        <Entry label={t("alerts.form.key")} value={draft.scopeKey} onChange={(scopeKey) => set({ scopeKey })} />
      )}
      {draft.kind === "budget" && (
        <Entry label={t("alerts.form.levels")} value={draft.levels} onChange={(levels) => set({ levels })} />
      )}
      {needsCalls(draft.kind) && (
        <Entry
          label={t("alerts.form.minCalls")}
          number="numeric"
          value={draft.minCalls}
          onChange={(minCalls) => set({ minCalls })}
        />
      )}
    </>
  );
}

const HINTS = { webhook: "webhookHint", slack: "slackHint", email: "emailHint" } as const;

function Targets({ targets, onChange }: { targets: readonly TargetDraft[]; onChange: (next: TargetDraft[]) => void }) {
  const t = useWords();
  const put = (id: number, change: Partial<TargetDraft>) =>
    onChange(targets.map((one) => (one.id === id ? { ...one, ...change } : one)));
  const add = () =>
    onChange([...targets, { id: Math.max(-1, ...targets.map((one) => one.id)) + 1, kind: "webhook", address: "" }]);
  return (
    <fieldset className="alert-targets">
      <legend>{t("alerts.form.targets")}</legend>
      {targets.map((one) => (
        <div key={one.id} className="alert-target">
          <select
            className="field"
            aria-label={t("alerts.form.targetKind")}
            value={one.kind}
            disabled={one.targetId !== undefined}
            onChange={(event) => put(one.id, { kind: event.target.value as TargetKind })}
          >
            {TARGETS.map((kind) => (
              <option key={kind} value={kind}>
                {t(`alerts.target.${kind}`)}
              </option>
            ))}
          </select>
          <input
            className="field"
            aria-label={t("alerts.form.address")}
            placeholder={t(`alerts.form.${HINTS[one.kind]}`)}
            value={one.address}
            disabled={one.targetId !== undefined}
            onChange={(event) => put(one.id, { address: event.target.value })}
          />
          <button
            type="button"
            className="quiet icon"
            aria-label={t("alerts.actions.removeTarget")}
            onClick={() => onChange(targets.filter((other) => other.id !== one.id))}
          >
            <CloseIcon />
          </button>
        </div>
      ))}
      <button type="button" className="button" onClick={add}>
        {t("alerts.actions.addTarget")}
      </button>
    </fieldset>
  );
}

type FieldProps = { label: string; note?: string; wide?: boolean };
type EntryProps = FieldProps & { value: string; number?: "decimal" | "numeric"; onChange: (value: string) => void };

function Entry({ value, number, onChange, ...field }: EntryProps) {
  return (
    <Field {...field}>
      {(id) => (
        <input
          id={id}
          className={number ? "field right num" : "field"}
          inputMode={number}
          maxLength={200}
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}

type ChooseProps = FieldProps & {
  value: string;
  choices: readonly (readonly [string, string])[];
  onChoose: (value: string) => void;
};

function Choose({ value, choices, onChoose, ...field }: ChooseProps) {
  return (
    <Field {...field}>
      {(id) => (
        <select id={id} className="field" value={value} onChange={(event) => onChoose(event.target.value)}>
          {choices.map(([name, label]) => (
            <option key={name} value={name}>
              {label}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

function Field({ label, note, wide = false, children }: FieldProps & { children: (id: string) => ReactNode }) {
  const id = useId();
  return (
    <div className={wide ? "alert-field wide" : "alert-field"}>
      <label htmlFor={id}>{label}</label>
      {children(id)}
      {note && <span className="muted small-text">{note}</span>}
    </div>
  );
}
