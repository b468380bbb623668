import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { searchQuery } from "../../api/queries";
import type { SearchHit } from "../../api/schema";
import { keepRange } from "../../components/Frame";
import { Clock } from "../../components/Moment";
import { Empty, Failed, SkeletonRows } from "../../components/States";
import { StatusDot } from "../../components/Status";
import { useKeys } from "../../components/useKeys";
import type { en } from "../../i18n/en";
import { useWords } from "../../i18n/useWords";
import { count } from "../../model/format";
import { pieces } from "../../model/highlight";
import type { ListState } from "./useList";

/** Runs that hold the text, newest first, with the place where it stands; each opens its trace at the run. */
export function Hits({ list }: { list: ListState }) {
  const t = useWords();
  const { project, range, text } = list;
  const asked = useInfiniteQuery(searchQuery(project, range, text));
  const hits = asked.data?.pages.flatMap((page) => page.hits) ?? [];
  const last = asked.data?.pages.at(-1);
  if (last === undefined) {
    return asked.error ? (
      <Failed error={asked.error} retry={() => void asked.refetch()} />
    ) : (
      <SkeletonRows count={10} />
    );
  }
  const on = (
    <button type="button" className="button" disabled={asked.isFetching} onClick={() => void asked.fetchNextPage()}>
      {asked.isFetching ? t("list.search.searching") : t("list.search.on")}
    </button>
  );
  if (hits.length === 0) {
    return (
      <Empty
        title={t(last.complete ? "list.search.nothing" : "list.search.nothingYet", { text })}
        text={t(last.complete ? "list.search.nothingText" : "list.search.nothingYetText")}
      >
        {last.searched_from_us !== null && !last.complete && (
          <p className="muted">
            {t("list.search.back")} <Clock us={last.searched_from_us} />
          </p>
        )}
        <span className="state-actions">
          {!last.complete && on}
          <button type="button" className="button" onClick={() => list.set({ q: undefined })}>
            {t("list.search.clear")}
          </button>
          {last.complete && range !== "all" && (
            <button type="button" className="button" onClick={() => list.set({ range: "all" })}>
              {t("actions.showAll")}
            </button>
          )}
        </span>
      </Empty>
    );
  }
  return (
    <div className="scroll">
      <p className="hits-head muted small-text" role="status">
        <strong className="num">
          {t("list.search.found", { count: hits.length, runs: `${count(hits.length)}${last.complete ? "" : "+"}` })}
        </strong>
        {list.filter !== "" && <span className="warn">{t("list.search.unfiltered")}</span>}
      </p>
      <Found hits={hits} list={list} />
      <footer className="hits-end muted small-text">
        {asked.isFetchNextPageError && asked.error && (
          <Failed error={asked.error} retry={() => void asked.fetchNextPage()} />
        )}
        {last.complete || last.searched_from_us === null ? (
          t("list.search.end")
        ) : (
          <>
            <span>
              {t("list.search.back")} <Clock us={last.searched_from_us} />
            </span>
            {on}
          </>
        )}
      </footer>
    </div>
  );
}

type Place = keyof typeof en.list.search.places;

function Found({ hits, list: { project, text } }: { hits: readonly SearchHit[]; list: ListState }) {
  const t = useWords();
  const navigate = useNavigate();
  const [at, setAt] = useState(-1);
  const search = (hit: SearchHit) => ({ run: hit.run_id, ...(hit.match_start !== null && { q: text }) });
  useKeys({
    down: () => setAt(Math.min(at + 1, hits.length - 1)),
    up: () => setAt(Math.max(at - 1, 0)),
    open: () => {
      const hit = hits[at];
      if (hit === undefined) return;
      void navigate({
        to: "/projects/$project/traces/$traceId",
        params: { project, traceId: hit.trace_id },
        search: (now) => ({ ...keepRange(now), ...search(hit) }),
      });
    },
    close: () => setAt(-1),
  });
  return (
    <ol className="hits" aria-label={t("list.search.results")}>
      {hits.map((hit, index) => (
        <li key={`${hit.run_id} ${hit.found_in}`} className={index === at ? "hit cursor" : "hit"}>
          <StatusDot status={hit.status} />
          <Link
            className="row-link ellipsis"
            to="/projects/$project/traces/$traceId"
            params={{ project, traceId: hit.trace_id }}
            search={(now) => ({ ...keepRange(now), ...search(hit) })}
          >
            <bdi>{hit.name || hit.run_type}</bdi>
          </Link>
          <span className="chip plain">
            {t(`list.search.places.${hit.found_in as Place}`, { defaultValue: hit.found_in })}
          </span>
          <bdi className="hit-text">
            {pieces(hit.snippet, text).map((piece, place) =>
              // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one text have no other name
              piece.hit ? <mark key={place}>{piece.text}</mark> : <span key={place}>{piece.text}</span>,
            )}
          </bdi>
          <span className="muted right">
            <Clock us={hit.start_us} />
          </span>
        </li>
      ))}
    </ol>
  );
}
