import { useInfiniteQuery } from "@tanstack/react-query";
import { auditQuery } from "../api/admin";
import type { AuditEntry } from "../api/schema";
import type { en } from "../i18n/en";
import { useWords } from "../i18n/useWords";
import { Clock } from "./Moment";
import { Failed, SkeletonRows } from "./States";

type Action = keyof typeof en.settings.actions;

/** Who changed what and when, newest first; `action` is a kind of change or its first word. */
export function AuditList({ action, none }: { action?: string; none: string }) {
  const t = useWords();
  const asked = useInfiniteQuery(auditQuery(action));
  const entries = asked.data?.pages.flatMap((page) => page.entries);
  if (!entries) {
    return asked.error ? <Failed error={asked.error} retry={() => void asked.refetch()} /> : <SkeletonRows count={5} />;
  }
  if (entries.length === 0) return <p className="muted">{none}</p>;
  return (
    <>
      <ul className="audit">
        {entries.map((entry) => (
          <Entry key={entry.entry_id} entry={entry} />
        ))}
      </ul>
      {asked.hasNextPage && (
        <button type="button" className="button" onClick={() => void asked.fetchNextPage()}>
          {t("actions.more")}
        </button>
      )}
    </>
  );
}

function Entry({ entry }: { entry: AuditEntry }) {
  const t = useWords();
  return (
    <li>
      <details>
        <summary>
          <span className="muted">
            <Clock us={entry.at_us} />
          </span>
          <strong>
            {t(`settings.actions.${entry.action.replace(".", "_") as Action}`, { defaultValue: entry.action })}
          </strong>
          <bdi className="code ellipsis">{entry.subject}</bdi>
          <span className="muted">{entry.actor}</span>
        </summary>
        <div className="audit-change">
          <Side title={t("settings.was")} value={entry.before} />
          <Side title={t("settings.became")} value={entry.after} />
        </div>
      </details>
    </li>
  );
}

function Side({ title, value }: { title: string; value: unknown }) {
  if (value === null) return null;
  return (
    <div>
      <h3 className="muted small-text">{title}</h3>
      <pre>{JSON.stringify(value, null, 2).replaceAll("\\n", "\n")}</pre>
    </div>
  );
}
