import { useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { ApiError } from "../../api/client";
import { facetsQuery, languageQuery } from "../../api/queries";
import { CloseIcon } from "../../components/icons";
import { Refusal } from "../../components/Told";
import { useKeys } from "../../components/useKeys";
import { useWords } from "../../i18n/useWords";
import { asFilter, type Completion, completed, completions, faultAt, placeOf } from "../../model/filter";
import type { ListState } from "./useList";

/** The filter as text, completed while one types; the word at fault is underlined in place. */
export function FilterBar({ list, wrong }: { list: ListState; wrong: ApiError | null }) {
  const t = useWords();
  const field = useRef<HTMLInputElement>(null);
  const under = useRef<HTMLDivElement>(null);
  const [text, setText] = useState(list.filter);
  const [caret, setCaret] = useState(0);
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(-1);
  const place = useMemo(() => placeOf(text, caret), [text, caret]);
  const offered = useOffered(list, text, caret, open);
  // Before the next key arrives: one typed at once must stand behind what was completed.
  const placed = useRef<number>(null);
  useLayoutEffect(() => {
    if (placed.current === null) return;
    field.current?.focus();
    field.current?.setSelectionRange(placed.current, placed.current);
    placed.current = null;
  });
  useKeys({ search: () => field.current?.focus() });

  const apply = (typed: string) => {
    setOpen(false);
    const filter = asFilter(typed);
    setText(filter);
    list.set({ filter });
  };
  const take = (choice: Completion) => {
    const [next, to] = completed(text, caret, place, choice);
    setText(next);
    setCaret(to);
    setAt(-1);
    setOpen(choice.open);
    placed.current = to;
  };
  const onKey = (event: KeyboardEvent<HTMLInputElement>) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const choice = open ? offered[at] : undefined;
    if (by !== undefined && offered.length > 0) {
      event.preventDefault();
      setOpen(true);
      setAt((now) => (now + by + offered.length + (now < 0 && by < 0 ? 1 : 0)) % offered.length);
    } else if (event.key === "Tab" && open && offered.length > 0 && text !== "") {
      event.preventDefault();
      take(choice ?? (offered[0] as Completion));
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (choice) take(choice);
      else apply(text);
    } else if (event.key === "Escape") {
      event.preventDefault();
      if (open) setOpen(false);
      else event.currentTarget.blur();
    }
  };
  const fault = wrong && text === list.filter ? faultAt(text, wrong.position ?? text.length) : null;
  return (
    <search className={fault ? "filter wrong" : "filter"}>
      <div className="filter-field">
        <div ref={under} className="filter-under" aria-hidden="true">
          {fault && (
            <>
              {fault.before}
              <u>{fault.fault || " "}</u>
              {fault.after}
            </>
          )}
        </div>
        <input
          ref={field}
          type="text"
          role="combobox"
          spellCheck={false}
          autoComplete="off"
          maxLength={20_000}
          value={text}
          placeholder={t("list.filterPlaceholder")}
          aria-label={t("list.filter")}
          aria-expanded={open && offered.length > 0}
          aria-controls="filter-offers"
          aria-autocomplete="list"
          aria-activedescendant={open && at >= 0 ? `filter-offer-${at}` : undefined}
          aria-invalid={fault !== null}
          aria-describedby={fault ? "filter-fault" : undefined}
          onChange={(event) => {
            setText(event.target.value);
            setCaret(event.target.selectionStart ?? event.target.value.length);
            setOpen(true);
            setAt(-1);
          }}
          onSelect={(event) => setCaret(event.currentTarget.selectionStart ?? 0)}
          onScroll={(event) => under.current?.scrollTo({ left: event.currentTarget.scrollLeft })}
          onFocus={() => setOpen(true)}
          onBlur={() => setOpen(false)}
          onKeyDown={onKey}
        />
        {text !== "" && (
          <button
            type="button"
            className="quiet icon"
            aria-label={t("list.clear")}
            title={t("list.clear")}
            onClick={() => {
              setText("");
              list.set({ filter: undefined });
            }}
          >
            <CloseIcon />
          </button>
        )}
      </div>
      {fault && (
        <p className="filter-fault">
          <Refusal id="filter-fault" error={wrong} className="" />
        </p>
      )}
      {open && offered.length > 0 && <Offers offered={offered} at={at} onTake={take} />}
    </search>
  );
}

function useOffered(list: ListState, text: string, caret: number, open: boolean): readonly Completion[] {
  const language = useQuery({ ...languageQuery, enabled: open });
  // Of all traces in the range: while a filter is half typed, its own values are not there yet.
  const facets = useQuery({ ...facetsQuery(list.project, list.range, ""), enabled: open, refetchInterval: false });
  return useMemo(() => {
    if (language.data === undefined) return [];
    const values = new Map(facets.data?.facets.map((facet) => [facet.field, facet.values]));
    return completions(placeOf(text, caret), language.data, values);
  }, [language.data, facets.data, text, caret]);
}

type OffersProps = { offered: readonly Completion[]; at: number; onTake: (choice: Completion) => void };

function Offers({ offered, at, onTake }: OffersProps) {
  const t = useWords();
  return (
    <div id="filter-offers" role="listbox" className="popover offers" aria-label={t("list.suggestions")}>
      {offered.map((choice, index) => (
        <div
          key={`${choice.label} ${choice.insert}`}
          id={`filter-offer-${index}`}
          role="option"
          tabIndex={-1}
          aria-selected={index === at}
          // The field keeps the focus: a press that took it would close the list before the click.
          onMouseDown={(event) => {
            event.preventDefault();
            onTake(choice);
          }}
        >
          <span className="code ellipsis">{choice.label}</span>
          <span className="faint">{choice.note}</span>
        </div>
      ))}
    </div>
  );
}
