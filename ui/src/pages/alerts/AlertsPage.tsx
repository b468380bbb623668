import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useState } from "react";
import { send } from "../../api/client";
import { alertsQuery } from "../../api/queries";
import type { AlertRow, KeptAlert, TargetSecret } from "../../api/schema";
import { Copy } from "../../components/Copy";
import { Empty, Failed, SkeletonRows } from "../../components/States";
import { useZone } from "../../components/useZone";
import { useWords } from "../../i18n/useWords";
import { bodyOf, type Draft, draftOf, NEW_DRAFT } from "../../model/alerts";
import { zoneName } from "../../model/time";
import { AlertForm } from "./AlertForm";
import { AlertTable } from "./AlertTable";
import { History } from "./History";
import "./alerts.css";

type Editing = { readonly draft: Draft; readonly ruleId: string | null };

/** Budgets and alerts of a project: how each stands, what happened, and the form that makes one. */
export function AlertsPage() {
  const t = useWords();
  const { project } = useParams({ from: "/projects/$project/alerts" });
  const { data, error, refetch } = useQuery(alertsQuery(project));
  const cache = useQueryClient();
  const [editing, setEditing] = useState<Editing | null>(null);
  const [secrets, setSecrets] = useState<readonly TargetSecret[]>([]);
  const create = () => setEditing({ draft: NEW_DRAFT, ruleId: null });
  const save = async (draft: Draft) => {
    const base = alertsUrl(project);
    const kept =
      editing?.ruleId == null
        ? await send<KeptAlert>("POST", base, bodyOf(draft))
        : await send<KeptAlert>("PUT", `${base}/${editing.ruleId}`, bodyOf(draft));
    setSecrets(kept.secrets);
    setEditing(null);
    await cache.invalidateQueries({ queryKey: ["project", project, "alerts"] });
  };
  return (
    <div className="page alerts">
      <h1 className="sr-only">{t("alerts.title")}</h1>
      {!data && error && <Failed error={error} retry={() => void refetch()} />}
      {!data && !error && <SkeletonRows count={4} />}
      {data && (
        <>
          <Headline rules={data.rules} onCreate={create} />
          {secrets.length > 0 && <Secrets secrets={secrets} onDone={() => setSecrets([])} />}
          {data.rules.length === 0 ? (
            <Empty title={t("alerts.none")} text={t("alerts.noneText")}>
              <button type="button" className="button primary" onClick={create}>
                {t("alerts.create")}
              </button>
            </Empty>
          ) : (
            <>
              <AlertTable
                project={project}
                rules={data.rules}
                onEdit={(row) => setEditing({ draft: draftOf(row), ruleId: row.rule_id })}
              />
              <History project={project} />
            </>
          )}
        </>
      )}
      {editing && (
        <AlertForm
          project={project}
          first={editing.draft}
          isNew={editing.ruleId === null}
          onSave={save}
          onClose={() => setEditing(null)}
        />
      )}
    </div>
  );
}

export const alertsUrl = (project: string) => `/everytoken/v1/projects/${encodeURIComponent(project)}/alerts`;

function Headline({ rules, onCreate }: { rules: readonly AlertRow[]; onCreate: () => void }) {
  const t = useWords();
  const zone = useZone();
  const firing = rules.filter((row) => row.state === "firing").length;
  return (
    <header className="page-head">
      <h2>
        <i className={`dot ${firing > 0 ? "error" : "success"}`} />{" "}
        {firing > 0 ? t("alerts.firing", { count: firing }) : t("alerts.calm")}
      </h2>
      <span className="spring" />
      <span className="muted wide-only">{t("alerts.zone", { zone: zoneName(zone, Date.now()) })}</span>
      {rules.length > 0 && (
        <button type="button" className="button" onClick={onCreate}>
          {t("alerts.create")}
        </button>
      )}
    </header>
  );
}

function Secrets({ secrets, onDone }: { secrets: readonly TargetSecret[]; onDone: () => void }) {
  const t = useWords();
  return (
    <section className="alert-secrets" aria-label={t("alerts.secrets.title")}>
      <h2>{t("alerts.secrets.title")}</h2>
      <p className="muted">{t("alerts.secrets.text")}</p>
      {secrets.map((one) => (
        <div key={one.target_id} className="snippet">
          <pre>{one.secret}</pre>
          <Copy text={one.secret} />
        </div>
      ))}
      <button type="button" className="button" onClick={onDone}>
        {t("alerts.actions.done")}
      </button>
    </section>
  );
}
