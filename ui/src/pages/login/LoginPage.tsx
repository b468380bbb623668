import { type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { type SessionState, useLogIn } from "../../api/session";
import { Logo } from "../../components/icons";
import { Refusal } from "../../components/Told";
import { useWords } from "../../i18n/useWords";

type Way = "name" | "key";

/** Asks for a key, or for name and password where there are users. */
export function LoginPage({ state }: { state: SessionState }) {
  const t = useWords();
  const [way, setWay] = useState<Way>(state.has_users ? "name" : "key");
  const login = useLogIn();
  const form = useRef<HTMLFormElement>(null);
  // There is nothing else to do here: the first field is where one begins, the last where one begins again.
  useEffect(() => {
    const fields = form.current?.querySelectorAll("input");
    if (login.isError) fields?.item(fields.length - 1).select();
    else fields?.item(0).focus();
  }, [login.isError]);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const said = new FormData(event.currentTarget);
    const text = (field: string) => String(said.get(field) ?? "");
    login.mutate(way === "key" ? { key: text("key") } : { name: text("name"), password: text("password") });
  };
  return (
    <main className="login" id="main">
      <h1>
        <Logo />
        <span>{t("app.name")}</span>
      </h1>
      <form ref={form} onSubmit={submit} aria-label={t("login.title")}>
        <p>{t("login.intro")}</p>
        {state.has_users && <Ways way={way} choose={setWay} />}
        {way === "key" ? (
          <Field label={t("login.key")} name="key" type="password" autoComplete="off" help={t("login.keyHelp")} />
        ) : (
          <>
            <Field label={t("login.name")} name="name" type="text" autoComplete="username" />
            <Field label={t("login.password")} name="password" type="password" autoComplete="current-password" />
          </>
        )}
        <Refusal error={login.error} />
        <button type="submit" className="button primary" disabled={login.isPending}>
          {login.isPending ? t("login.waiting") : t("login.submit")}
        </button>
        {way === "key" && (
          <p className="muted">
            {t("login.make")} <code>everytoken keys create me --scope read</code>
          </p>
        )}
      </form>
    </main>
  );
}

function Ways({ way, choose }: { way: Way; choose: (way: Way) => void }) {
  const t = useWords();
  return (
    <fieldset className="switch">
      <legend className="sr-only">{t("login.how")}</legend>
      {(["name", "key"] as const).map((one) => (
        <button key={one} type="button" aria-pressed={one === way} onClick={() => choose(one)}>
          {t(one === "name" ? "login.byName" : "login.byKey")}
        </button>
      ))}
    </fieldset>
  );
}

function Field(props: { label: string; name: string; type: string; autoComplete: string; help?: ReactNode }) {
  const id = useId();
  const { label, name, type, autoComplete, help } = props;
  return (
    <p className="login-field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        name={name}
        type={type}
        autoComplete={autoComplete}
        required
        aria-describedby={help ? `${id}-help` : undefined}
      />
      {help && (
        <small id={`${id}-help`} className="muted">
          {help}
        </small>
      )}
    </p>
  );
}
