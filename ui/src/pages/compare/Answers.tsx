import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { runQuery } from "../../api/queries";
import type { RunDetail, TraceView } from "../../api/schema";
import { useWords } from "../../i18n/useWords";
import { difference, type Piece } from "../../model/diff";
import { outputMessages } from "../../model/messages";

type Side = { view: TraceView; runId: string | undefined };

/** What the two runs answered, with the words that differ marked. */
export function Answers({ title, a, b }: { title: string; a: Side; b: Side }) {
  const t = useWords();
  const [left, right] = [useAnswer(a), useAnswer(b)];
  const parts = useMemo(() => difference(left ?? "", right ?? ""), [left, right]);
  return (
    <section className="answers" aria-label={title}>
      <h2>{title}</h2>
      {left !== undefined && left === right && <p className="muted">{t("compare.same")}</p>}
      <div className="compare-sides">
        <Answer label={t("compare.a")} text={left} pieces={parts.a} />
        <Answer label={t("compare.b")} text={right} pieces={parts.b} />
      </div>
    </section>
  );
}

function Answer({ label, text, pieces }: { label: string; text: string | undefined; pieces: readonly Piece[] }) {
  const t = useWords();
  return (
    <div className="compare-side">
      <span className="chip plain">{label}</span>
      {text === undefined || text === "" ? (
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

function useAnswer({ view, runId }: Side): string | undefined {
  const { project, trace_id: id } = view.trace;
  const asked = useQuery({
    ...runQuery(project, id, runId ?? ""),
    enabled: runId !== undefined,
    placeholderData: () => undefined,
  });
  return useMemo(() => asked.data && answerOf(asked.data), [asked.data]);
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
