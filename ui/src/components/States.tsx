/** The states every view has: empty, loading as a skeleton of the real layout, failed. */

import type { ReactNode } from "react";
import { ApiError } from "../api/client";
import { useWords } from "../i18n/useWords";
import { Copy } from "./Copy";
import { Refusal, useTold } from "./Told";

export function Empty({ title, text, children }: { title: string; text: string; children?: ReactNode }) {
  return (
    <div className="state">
      <h2>{title}</h2>
      <p>{text}</p>
      {children}
    </div>
  );
}

export function Failed({ error, retry }: { error: Error; retry: () => void }) {
  const t = useWords();
  const known = error instanceof ApiError ? error : null;
  const offline = known?.status === null;
  const { text, detail } = useTold()(error);
  return (
    <div className="state failed" role="alert">
      <h2>{offline ? t("errors.offline") : t("errors.title")}</h2>
      <p>{text}</p>
      {(detail || known?.hint) && (
        <p className="muted small-text" lang="en">
          {[detail, known?.hint].filter(Boolean).join(" · ")}
        </p>
      )}
      {known?.status != null && (
        <p className="muted small-text request">
          {t("errors.status", { status: known.status })}
          {known.requestId !== null && (
            <>
              {" · "}
              {t("errors.request")} <code>{known.requestId}</code> <Copy text={known.requestId} />
            </>
          )}
        </p>
      )}
      <button type="button" className="button" onClick={retry}>
        {t("actions.retry")}
      </button>
    </div>
  );
}

/** A part of a page that could not be loaded, in one line: the rest of the page stands. */
export function FailedPart({ error, retry }: { error: Error; retry: () => void }) {
  const t = useWords();
  const id = error instanceof ApiError ? error.requestId : null;
  return (
    <div className="failed-part small-text" title={id === null ? undefined : `${t("errors.request")} ${id}`}>
      <Refusal error={error} />
      <button type="button" className="button" onClick={retry}>
        {t("actions.retry")}
      </button>
    </div>
  );
}

export function SkeletonRows({ count }: { count: number }) {
  return (
    <div className="skeleton-rows" aria-busy="true">
      {Array.from({ length: count }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: rows without identity
        <div key={index} className="skeleton-row">
          <i style={{ width: `${[18, 24, 15, 21][index % 4]}%` }} />
          <i style={{ width: `${[34, 20, 42, 27][index % 4]}%` }} />
          <i style={{ width: "7%" }} />
        </div>
      ))}
    </div>
  );
}

/** A part of the page whose layout is not known before it is there. */
export const Skeleton = () => <div className="skeleton-block" aria-busy="true" />;

/** More exists than is shown: said where it is shown. */
export function Truncated({ shown }: { shown: number }) {
  const t = useWords();
  return (
    <p className="truncated warn" role="status">
      {t("groups.truncated", { shown: shown.toLocaleString("en-US") })}
    </p>
  );
}
