import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { runQuery } from "../../api/queries";
import type { RunDetail, TraceView } from "../../api/schema";
import { FailedPart } from "../../components/States";
import { useWords } from "../../i18n/useWords";
import { difference, type Piece } from "../../model/diff";
import { outputMessages } from "../../model/messages";

type Side = { view: TraceView; runId: string | undefined };

/** What the two runs answered, with the words that differ marked. */
export function Answers({ title, a, b }: { title: string; a: Side; b: Side }) {
  const t = useWords();
  const [left, right] = [useAnswer(a), useAnswer(b)];
  const parts = useMemo(() => difference(left.text ?? "", right.text ?? ""), [left.text, right.text]);
  return (
    <section className="answers" aria-label={title}>
      <h2>{title}</h2>
      {left.text !== undefined && left.text === right.text && <p className="muted">{t("compare.same")}</p>}
      <div className="compare-sides">
        <Answer label={t("compare.a")} {...left} pieces={parts.a} />
        <Answer label={t("compare.b")} {...right} pieces={parts.b} />
      </div>
    </section>
  );
}

type Asked = { readonly text: string | undefined; readonly error: Error | null; readonly retry: () => void };

function Answer({ label, text, error, retry, pieces }: Asked & { label: string; pieces: readonly Piece[] }) {
  const t = useWords();
  return (
    <div className="compare-side">
      <span className="chip plain">{label}</span>
      {error && <FailedPart error={error} retry={retry} />}
      {error ? null : text === undefined || text === "" ? (
        <p className="faint">{t("detail.none")}</p>
      ) : (
        <p className="answer-text" dir="auto">
          {pieces.map((piece, index) =>
            piece.same ? (
              // biome-ignore lint/suspicious/noArrayIndexKey: pieces have no identity but their place
              <span key={index}>{piece.text}</span>
            ) : (
              // biome-ignore lint/suspicious/noArrayIndexKey: pieces have no identity but their place
              <mark key={index}>{piece.text}</mark>
            ),
          )}
        </p>
      )}
    </div>
  );
}

function useAnswer({ view, runId }: Side): Asked {
  const { project, trace_id: id } = view.trace;
  const asked = useQuery({
    ...runQuery(project, id, runId ?? ""),
    enabled: runId !== undefined,
    placeholderData: () => undefined,
  });
  const text = useMemo(() => asked.data && answerOf(asked.data), [asked.data]);
  return { text, error: asked.error, retry: () => void asked.refetch() };
}

/** `{"answer": "…"}` is its text. */
function onlyText(value: unknown): string | null {
  const fields = typeof value === "object" && value !== null ? Object.values(value) : [];
  return fields.length === 1 && typeof fields[0] === "string" ? fields[0] : null;
}

/** The text of the messages, else the output as JSON. */
function answerOf(detail: RunDetail): string {
  const said = outputMessages(detail.outputs)
    .map((message) => message.text)
    .filter((text) => text !== "");
  if (said.length > 0) return said.join("\n\n");
  const only = onlyText(detail.outputs);
  if (only !== null) return only;
  return detail.outputs === null || detail.outputs === undefined ? "" : JSON.stringify(detail.outputs, null, 2);
}
