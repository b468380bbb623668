/** What went wrong, in the reader's language, with the server's own words beneath. */

import { ApiError } from "../api/client";
import { problemsEn } from "../i18n/problems";
import { useWords } from "../i18n/useWords";

type Code = keyof typeof problemsEn;

/** Codes whose sentence says all that the server's own does. */
const SAID_IN_FULL: ReadonlySet<Code> = new Set([
  "agent_busy",
  "agent_missing",
  "cursor_unknown",
  "flush_late",
  "key_needed",
  "key_wrong",
  "login_wrong",
  "other_site",
  "rules_full",
  "server_failed",
  "starting",
  "too_many_watchers",
]);

export type Told = {
  readonly text: string;
  /** The server's own sentence, in English; `null` where it adds nothing. */
  readonly detail: string | null;
};

/** Says a failure: the page's sentence for a code it knows, else what the server said. */
export function useTold(): (failure: unknown) => Told {
  const t = useWords();
  return (failure) => {
    if (!(failure instanceof Error)) return { text: String(failure), detail: null };
    if (!(failure instanceof ApiError)) return { text: failure.message, detail: null };
    if (failure.status === null) return { text: t("errors.offlineHint"), detail: null };
    const code = failure.code !== null && failure.code in problemsEn ? (failure.code as Code) : null;
    if (code === null) return { text: failure.message, detail: null };
    return { text: t(`problems.${code}`), detail: SAID_IN_FULL.has(code) ? null : failure.message };
  };
}

/** What the server refused, beside what was asked; nothing while nothing was refused. */
export function Refusal({ error, id, className = "bad" }: { error: unknown; id?: string; className?: string }) {
  const told = useTold();
  if (error === null || error === undefined) return null;
  const { text, detail } = told(error);
  return (
    <span id={id} className={`refusal ${className}`} role="alert">
      {text}
      {detail && (
        <small lang="en" dir="auto">
          {detail}
        </small>
      )}
    </span>
  );
}
