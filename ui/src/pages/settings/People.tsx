import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { usePutUser, useRemoveUser, usersQuery } from "../../api/admin";
import type { UserBody, UserRow } from "../../api/schema";
import { Clock } from "../../components/Moment";
import { Failed, SkeletonRows } from "../../components/States";
import { useWords } from "../../i18n/useWords";
import { type ScopeName, Scopes } from "./KeyForm";
import { Saving } from "./Saving";

/** Who logs in by name and password. */
export function People() {
  const t = useWords();
  const { data, error, refetch } = useQuery(usersQuery);
  if (!data) return error ? <Failed error={error} retry={() => void refetch()} /> : <SkeletonRows count={4} />;
  return (
    <>
      <p className="muted lead">{t("settings.usersText")}</p>
      <PersonForm />
      {data.users.length === 0 ? (
        <p className="muted">{t("settings.usersNone")}</p>
      ) : (
        <table className="table">
          <thead>
            <tr>
              <th>{t("settings.userName")}</th>
              <th>{t("settings.rights")}</th>
              <th className="wide-only">{t("settings.made")}</th>
              <th aria-label={t("settings.remove")} />
            </tr>
          </thead>
          <tbody>
            {data.users.map((user) => (
              <Person key={user.name} user={user} />
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

function PersonForm() {
  const t = useWords();
  const put = usePutUser();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [scopes, setScopes] = useState<ScopeName[]>(["read"]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const body = { name: name.trim(), password, scopes } as UserBody & { name: string };
    put.mutate(body, { onSuccess: () => setPassword("") });
  };
  return (
    <form className="form key-form" onSubmit={submit}>
      <div className="form-row">
        <label className="entry">
          <span>{t("settings.userName")}</span>
          <input className="field" autoComplete="off" value={name} onChange={(event) => setName(event.target.value)} />
        </label>
        <label className="entry">
          <span>{t("settings.password")}</span>
          <input
            className="field"
            type="password"
            autoComplete="new-password"
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
          <span className="muted small-text">{t("settings.passwordHelp")}</span>
        </label>
      </div>
      <Scopes value={scopes} onChange={setScopes} />
      <Saving
        asked={put}
        disabled={name.trim() === "" || password === "" || scopes.length === 0}
        label={t("settings.putUser")}
      />
    </form>
  );
}

function Person({ user }: { user: UserRow }) {
  const t = useWords();
  const remove = useRemoveUser();
  const [asking, setAsking] = useState(false);
  return (
    <tr>
      <td>
        <strong>
          <bdi>{user.name}</bdi>
        </strong>
      </td>
      <td>{user.scopes.join(", ")}</td>
      <td className="wide-only muted">
        <Clock us={user.created_us} />
      </td>
      <td className="row-actions">
        {asking && <span className="warn">{t("settings.removeSure", { name: user.name })}</span>}
        <button
          type="button"
          className={asking ? "button danger" : "button"}
          disabled={remove.isPending}
          onClick={() => (asking ? remove.mutate(user.name) : setAsking(true))}
        >
          {t("settings.remove")}
        </button>
        {asking && (
          <button type="button" className="button" onClick={() => setAsking(false)}>
            {t("settings.cancel")}
          </button>
        )}
      </td>
    </tr>
  );
}
