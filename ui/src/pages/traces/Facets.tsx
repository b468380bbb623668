import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { facetsQuery } from "../../api/queries";
import type { Facet, FacetValue } from "../../api/schema";
import { CloseIcon, FacetsIcon } from "../../components/icons";
import { FailedPart } from "../../components/States";
import { useNarrow } from "../../components/useNarrow";
import type { en } from "../../i18n/en";
import { useWords } from "../../i18n/useWords";
import { conditions, withCondition, withoutCondition } from "../../model/filter";
import { count } from "../../model/format";
import type { ListState } from "./useList";

/** Values that occur in the traces found, each with how many traces have it: a rail on a desk, a drawer on a phone. */
export function Facets({ list, drawer = false }: { list: ListState; drawer?: boolean }) {
  return drawer ? <Opener list={list} /> : <Rail list={list} />;
}

function Opener({ list }: { list: ListState }) {
  const t = useWords();
  const narrow = useNarrow();
  const dialog = useRef<HTMLDialogElement>(null);
  const [open, setOpen] = useState(false);
  useEffect(() => {
    if (open && narrow) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open, narrow]);
  const label = !narrow && list.rail ? t("list.hideFacets") : t("list.showFacets");
  return (
    <>
      <button
        type="button"
        className="quiet icon"
        aria-expanded={narrow ? open : list.rail}
        aria-label={label}
        title={label}
        onClick={() => (narrow ? setOpen(true) : list.set({ rail: list.rail ? "off" : undefined }))}
      >
        <FacetsIcon />
      </button>
      {narrow && (
        <dialog ref={dialog} className="dialog drawer" onClose={() => setOpen(false)} aria-label={t("list.facets")}>
          <header>
            <h2>{t("list.facets")}</h2>
            <button type="button" className="quiet icon" onClick={() => setOpen(false)} aria-label={t("help.close")}>
              <CloseIcon />
            </button>
          </header>
          {open && <Rail list={list} />}
        </dialog>
      )}
    </>
  );
}

function Rail({ list }: { list: ListState }) {
  const t = useWords();
  const { project, range, filter, set } = list;
  const [typed, setTyped] = useState("");
  const { data, error, refetch } = useQuery(facetsQuery(project, range, filter));
  const wanted = typed.trim().toLocaleLowerCase();
  const found = (data?.facets ?? []).flatMap((facet) => {
    const values = facet.values.filter(({ value }) => value.toLocaleLowerCase().includes(wanted));
    return values.length > 0 ? [{ ...facet, values }] : [];
  });
  return (
    <aside className="facets" aria-label={t("list.facets")} aria-busy={data === undefined && !error}>
      <input
        type="search"
        className="field small"
        value={typed}
        placeholder={t("list.findValue")}
        aria-label={t("list.findValue")}
        onChange={(event) => setTyped(event.target.value)}
      />
      {data !== undefined && found.length === 0 && <p className="muted small-text">{t("list.noFacets")}</p>}
      {data === undefined && error && <FailedPart error={error} retry={() => void refetch()} />}
      {data === undefined && !error && <div className="facet-skeleton" />}
      {found.map((facet) => (
        <Group
          key={facet.field}
          facet={facet}
          whole={data?.traces ?? 0}
          chosen={conditions(filter)}
          onToggle={(condition, on) =>
            set({ filter: on ? withCondition(filter, condition) : withoutCondition(filter, condition) })
          }
        />
      ))}
    </aside>
  );
}

type GroupProps = {
  facet: Facet;
  whole: number;
  chosen: readonly string[];
  onToggle: (condition: string, on: boolean) => void;
};
const SHOWN = 6;
type FieldName = keyof typeof en.list.fields;

function Group({ facet, whole, chosen, onToggle }: GroupProps) {
  const t = useWords();
  const [all, setAll] = useState(false);
  const on = (value: FacetValue) => chosen.includes(value.filter);
  const values = [...facet.values].sort((a, b) => Number(on(b)) - Number(on(a)));
  const shown = all ? values : values.slice(0, SHOWN);
  return (
    <details open={facet.field !== "name" || shown.some(on)}>
      <summary>{t(`list.fields.${facet.field as FieldName}`, { defaultValue: facet.field })}</summary>
      <ul>
        {shown.map((value) => (
          <li key={value.value} className={on(value) ? "on" : ""}>
            <button
              type="button"
              aria-pressed={on(value)}
              title={t("list.keep", { value: value.value })}
              onClick={() => onToggle(value.filter, !on(value))}
            >
              <span className="facet-share" style={{ width: `${(value.traces / Math.max(whole, 1)) * 100}%` }} />
              <span className="ellipsis">{value.value}</span>
              <span className="num muted">{count(value.traces)}</span>
            </button>
            <button
              type="button"
              className="facet-not"
              aria-label={t("list.exclude", { value: value.value })}
              title={t("list.exclude", { value: value.value })}
              onClick={() => onToggle(`not(${value.filter})`, true)}
            >
              ≠
            </button>
          </li>
        ))}
      </ul>
      {values.length > shown.length && (
        <button type="button" className="quiet small" onClick={() => setAll(true)}>
          {t("list.more", { count: values.length - shown.length })}
        </button>
      )}
      {all && facet.truncated && <p className="faint small-text">{t("list.moreValues")}</p>}
    </details>
  );
}
