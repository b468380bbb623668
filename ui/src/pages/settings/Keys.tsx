import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { keysQuery, useKeysAgain, useRevokeKey } from "../../api/admin";
import type { KeyRow, NewKey } from "../../api/schema";
import { Copy } from "../../components/Copy";
import { Ago, Clock } from "../../components/Moment";
import { Failed, SkeletonRows } from "../../components/States";
import { Refusal } from "../../components/Told";
import { useWords } from "../../i18n/useWords";
import { keyState } from "../../model/settings";
import { KeyForm } from "./KeyForm";

/** Keys of the server: made and shown once, revoked. */
export function Keys() {
  const t = useWords();
  const { data, error, refetch } = useQuery(keysQuery);
  const [fresh, setFresh] = useState<NewKey>();
  const again = useKeysAgain();
  if (!data) return error ? <Failed error={error} retry={() => void refetch()} /> : <SkeletonRows count={4} />;
  return (
    <>
      <p className="muted lead">{t("settings.keysText")}</p>
      {fresh ? (
        <section className="notice new-key" aria-label={t("settings.newKey")}>
          <p>
            <strong>{fresh.key.name}</strong> · {t("settings.created")}
          </p>
          <p className="key-text">
            <code>{fresh.text}</code>
            <Copy text={fresh.text} />
          </p>
          <button
            type="button"
            className="button"
            onClick={() => {
              setFresh(undefined);
              again();
            }}
          >
            {t("settings.done")}
          </button>
        </section>
      ) : (
        <KeyForm first={data.keys.length === 0} onMade={setFresh} />
      )}
      {data.keys.length === 0 ? (
        <p className="muted">{t("settings.keysNone")}</p>
      ) : (
        <div className="scroll-x">
          <table className="table">
            <thead>
              <tr>
                <th>{t("prices.name")}</th>
                <th>{t("settings.prefix")}</th>
                <th>{t("settings.rights")}</th>
                <th className="wide-only">{t("settings.projects")}</th>
                <th className="wide-only">{t("settings.expires")}</th>
                <th className="wide-only">{t("settings.used")}</th>
                <th aria-label={t("settings.revoke")} />
              </tr>
            </thead>
            <tbody>
              {data.keys.map((key) => (
                <Row key={key.key_id} row={key} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

function Row({ row }: { row: KeyRow }) {
  const t = useWords();
  const revoke = useRevokeKey();
  const [asking, setAsking] = useState(false);
  const state = keyState(row, Date.now());
  return (
    <>
      <tr className={state === "valid" ? "" : "faint"}>
        <td>
          <bdi>{row.name}</bdi>
        </td>
        <td className="code">{row.prefix}…</td>
        <td>{row.scopes.join(", ")}</td>
        <td className="wide-only">
          <bdi>{row.projects?.join(", ") ?? t("settings.allProjects")}</bdi>
        </td>
        <td className="wide-only">{row.expires_us === null ? t("settings.never") : <Clock us={row.expires_us} />}</td>
        <td className="wide-only">
          <Ago us={row.last_used_us} />
        </td>
        <td className="row-actions">
          {state === "valid" ? (
            <button type="button" className="button" onClick={() => setAsking(true)}>
              {t("settings.revoke")}
            </button>
          ) : (
            t(`settings.${state}`)
          )}
        </td>
      </tr>
      {asking && state === "valid" && (
        <tr>
          <td colSpan={7} className="sure">
            <span className="warn">{t("settings.revokeSure", { name: row.name })}</span>{" "}
            <button
              type="button"
              className="button danger"
              disabled={revoke.isPending}
              onClick={() => revoke.mutate(row.key_id)}
            >
              {t("settings.revoke")}
            </button>{" "}
            <button type="button" className="button" onClick={() => setAsking(false)}>
              {t("settings.cancel")}
            </button>
            <Refusal error={revoke.error} />
          </td>
        </tr>
      )}
    </>
  );
}
