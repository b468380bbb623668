import { useState } from "react";
import { CloseIcon, SearchIcon } from "../../components/icons";
import { useWords } from "../../i18n/useWords";
import type { ListState } from "./useList";

/** Looks for a text in what the runs of the range carried; the address keeps it. */
export function FindBox({ list }: { list: ListState }) {
  const t = useWords();
  const [typed, setTyped] = useState(list.text);
  const apply = (q: string) => {
    setTyped(q);
    list.set({ q: q.trim() === "" ? undefined : q.trim() });
  };
  return (
    <search className="find-runs">
      <SearchIcon />
      <input
        type="text"
        value={typed}
        maxLength={500}
        spellCheck={false}
        placeholder={t("list.search.placeholder")}
        aria-label={t("list.search.label")}
        title={t("list.search.help")}
        onChange={(event) => setTyped(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") apply(typed);
          else if (event.key === "Escape") apply("");
        }}
      />
      {typed !== "" && (
        <button
          type="button"
          className="quiet icon"
          aria-label={t("list.search.clear")}
          title={t("list.search.clear")}
          onClick={() => apply("")}
        >
          <CloseIcon />
        </button>
      )}
    </search>
  );
}
