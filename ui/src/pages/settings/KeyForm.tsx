import { type FormEvent, useState } from "react";
import { useCreateKey } from "../../api/admin";
import type { KeyBody, NewKey } from "../../api/schema";
import { useWords } from "../../i18n/useWords";
import { namesOf } from "../../model/settings";
import { Saving } from "./Saving";

const SCOPES = ["ingest", "read", "admin"] as const;
export type ScopeName = (typeof SCOPES)[number];

/** What a key or a person may do. */
export function Scopes({ value, onChange }: { value: readonly ScopeName[]; onChange: (next: ScopeName[]) => void }) {
  const t = useWords();
  return (
    <fieldset className="checks">
      <legend>{t("settings.scopes")}</legend>
      {SCOPES.map((scope) => (
        <label key={scope}>
          <input
            type="checkbox"
            checked={value.includes(scope)}
            onChange={() => onChange(SCOPES.filter((one) => (one === scope) !== value.includes(one)))}
          />
          {t(`settings.scope.${scope}`)}
        </label>
      ))}
    </fieldset>
  );
}

/** A new key: what for, what it may do, where, until when. */
export function KeyForm({ first, onMade }: { first: boolean; onMade: (made: NewKey) => void }) {
  const t = useWords();
  const create = useCreateKey(first);
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<ScopeName[]>(first ? ["read", "admin"] : ["ingest"]);
  const [projects, setProjects] = useState("");
  const [expires, setExpires] = useState("");
  const [limit, setLimit] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const named = namesOf(projects);
    const body = {
      name,
      scopes,
      projects: named.length > 0 ? named : null,
      expires: expires === "" ? null : new Date(`${expires}T23:59:59`).toISOString(),
      requests_per_minute: limit === "" ? null : Number(limit),
    } as KeyBody;
    create.mutate(body, { onSuccess: onMade });
  };
  return (
    <form className="form key-form" onSubmit={submit} aria-label={t("settings.newKey")}>
      <h2>{t("settings.newKey")}</h2>
      {first && <p className="warn small-text">{t("settings.firstKey")}</p>}
      <div className="form-row">
        <label className="entry">
          <span>{t("settings.keyName")}</span>
          <input className="field" value={name} maxLength={100} onChange={(event) => setName(event.target.value)} />
        </label>
        <Scopes value={scopes} onChange={setScopes} />
      </div>
      <div className="form-row three">
        <label className="entry">
          <span>{t("settings.projects")}</span>
          <input className="field" value={projects} onChange={(event) => setProjects(event.target.value)} />
          <span className="muted small-text">{t("settings.projectsHelp")}</span>
        </label>
        <label className="entry">
          <span>{t("settings.expires")}</span>
          <input className="field" type="date" value={expires} onChange={(event) => setExpires(event.target.value)} />
          <span className="muted small-text">{t("settings.expiresHelp")}</span>
        </label>
        <label className="entry">
          <span>{t("settings.limit")}</span>
          <input
            className="field"
            type="number"
            min={1}
            value={limit}
            onChange={(event) => setLimit(event.target.value)}
          />
          <span className="muted small-text">{t("settings.limitHelp")}</span>
        </label>
      </div>
      <Saving asked={create} disabled={name.trim() === "" || scopes.length === 0} label={t("settings.create")} />
    </form>
  );
}
