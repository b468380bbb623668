import { useMemo, useState } from "react";
import { useWords } from "../i18n/useWords";
import { count } from "../model/format";
import { Copy } from "./Copy";

/** Beyond this the text opens on demand: a megabyte of JSON must not stop the page. */
const LONG = 6_000;

function isEmpty(value: unknown): boolean {
  return (
    value === null || value === undefined || (typeof value === "object" && Object.keys(value as object).length === 0)
  );
}

/** Lines laid out together: those out of sight are not laid out at all. */
const BLOCK_LINES = 200;

function Blocks({ text }: { text: string }) {
  const lines = text.split("\n");
  if (lines.length <= BLOCK_LINES) return text;
  const blocks = Array.from({ length: Math.ceil(lines.length / BLOCK_LINES) }, (_, at) =>
    lines.slice(at * BLOCK_LINES, (at + 1) * BLOCK_LINES).join("\n"),
  );
  return blocks.map((block, at) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: a block is its place in the text
    <span key={at} className="json-block">
      {block}
    </span>
  ));
}

/** A JSON value as indented text, with a copy button. */
export function Json({ title, value }: { title: string; value: unknown }) {
  const t = useWords();
  const [whole, setWhole] = useState(false);
  const text = useMemo(() => (typeof value === "string" ? value : (JSON.stringify(value, null, 2) ?? "")), [value]);
  const short = !whole && text.length > LONG;
  return (
    <section className="json">
      <h3>
        {title}
        {!isEmpty(value) && <Copy text={text} />}
      </h3>
      {isEmpty(value) ? (
        <p className="faint">{t("detail.none")}</p>
      ) : (
        <pre dir="auto">{short ? `${text.slice(0, LONG)}…` : <Blocks text={text} />}</pre>
      )}
      {short && (
        <button type="button" className="quiet small" onClick={() => setWhole(true)}>
          {t("detail.truncatedText", { size: count(text.length) })}
        </button>
      )}
    </section>
  );
}
