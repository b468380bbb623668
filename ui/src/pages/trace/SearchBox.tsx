import { useEffect, useRef, useState } from "react";
import { useKeys } from "../../components/useKeys";
import { useWords } from "../../i18n/useWords";
import { count } from "../../model/format";

/** A pause in typing after which the address, and with it the server, hears of the text. */
const PAUSE_MS = 250;

type Props = {
  text: string;
  /** Matches, and which of them is selected, from 0; -1 for none. */
  found: number;
  /** More runs match than were told. */
  more: boolean;
  at: number;
  searching: boolean;
  onText: (text: string) => void;
  onStep: (by: 1 | -1) => void;
};

/** Search in the trace: `3/17`, Enter for the next match, Shift and Enter for the one before. */
export function SearchBox({ text, found, more, at, searching, onText, onStep }: Props) {
  const t = useWords();
  const [typed, setTyped] = useState(text);
  const input = useRef<HTMLInputElement>(null);
  const timer = useRef(0);
  useEffect(() => setTyped(text), [text]);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  useKeys({ search: () => input.current?.select() });
  const change = (next: string) => {
    setTyped(next);
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => onText(next), PAUSE_MS);
  };
  return (
    <search className="find">
      <input
        ref={input}
        type="search"
        value={typed}
        maxLength={200}
        placeholder={t("find.placeholder")}
        aria-label={t("find.label")}
        title="/"
        onChange={(event) => change(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && typed !== text) {
            window.clearTimeout(timer.current);
            onText(typed);
          } else if (event.key === "Enter") onStep(event.shiftKey ? -1 : 1);
          if (event.key === "Escape") {
            event.stopPropagation();
            change("");
            event.currentTarget.blur();
          }
        }}
      />
      {text !== "" && (
        <span className="num muted" role="status" aria-live="polite">
          {searching && found === 0 ? "…" : `${at < 0 ? "–" : count(at + 1)}/${count(found)}${more ? "+" : ""}`}
        </span>
      )}
      {text !== "" && found > 0 && (
        <>
          <button type="button" className="quiet icon" aria-label={t("find.previous")} onClick={() => onStep(-1)}>
            ↑
          </button>
          <button type="button" className="quiet icon" aria-label={t("find.next")} onClick={() => onStep(1)}>
            ↓
          </button>
        </>
      )}
    </search>
  );
}
