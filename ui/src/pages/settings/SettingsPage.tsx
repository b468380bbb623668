import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { settingsQuery } from "../../api/queries";
import { sessionQuery } from "../../api/session";
import { AuditList } from "../../components/AuditList";
import { Switch } from "../../components/Panel";
import { Empty, Failed, SkeletonRows } from "../../components/States";
import { useWords } from "../../i18n/useWords";
import { SETTING_TABS } from "../../router";
import { Keys } from "./Keys";
import { Masking } from "./Masking";
import { People } from "./People";
import { ProjectSettings } from "./ProjectSettings";

const FROM = "/projects/$project/settings";

/** What administrators set; others are told so. */
export function SettingsPage() {
  const t = useWords();
  const { project } = useParams({ from: FROM });
  const { tab = "project" } = useSearch({ from: FROM });
  const navigate = useNavigate();
  const session = useQuery(sessionQuery).data;
  const admin = session?.scopes.includes("admin") ?? false;
  return (
    <div className="page fill">
      <div className="page-head">
        <h1>{t("settings.title")}</h1>
        {admin && (
          <Switch
            label={t("settings.tab")}
            value={tab}
            choices={SETTING_TABS.map((value) => ({ value, label: t(`settings.tabs.${value}`) }))}
            onChoose={(next) => void navigate({ to: ".", search: (now) => ({ ...now, tab: next }) })}
          />
        )}
      </div>
      {session && !admin && (
        <Empty
          title={t("settings.needAdmin")}
          text={t("settings.needAdminText", {
            who: session.who ?? t("settings.nobody"),
            scopes: session.scopes.join(", ") || t("settings.noScopes"),
          })}
        />
      )}
      {admin && (
        <div className="scroll padded">
          {(tab === "project" || tab === "masking") && <OfProject key={project} project={project} tab={tab} />}
          {tab === "keys" && <Keys />}
          {tab === "users" && <People />}
          {tab === "audit" && <AuditList none={t("settings.auditNone")} />}
        </div>
      )}
    </div>
  );
}

function OfProject({ project, tab }: { project: string; tab: "project" | "masking" }) {
  const { data, error, refetch } = useQuery(settingsQuery(project));
  if (!data) return error ? <Failed error={error} retry={() => void refetch()} /> : <SkeletonRows count={6} />;
  return tab === "project" ? <ProjectSettings settings={data} /> : <Masking settings={data} />;
}
