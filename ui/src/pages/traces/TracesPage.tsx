import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { ApiError } from "../../api/client";
import { tracesQuery } from "../../api/queries";
import { Empty, Failed, SkeletonRows } from "../../components/States";
import { useNarrow } from "../../components/useNarrow";
import { useWords } from "../../i18n/useWords";
import { ColumnsMenu } from "./ColumnsMenu";
import { Conditions } from "./Conditions";
import { Facets } from "./Facets";
import { FilterBar } from "./FilterBar";
import { FindBox } from "./FindBox";
import { Hits } from "./Hits";
import { LiveSwitch } from "./LiveSwitch";
import { Strip } from "./Strip";
import { TraceList } from "./TraceList";
import { useFresh } from "./useFresh";
import { type ListState, useList } from "./useList";
import { ViewsMenu } from "./ViewsMenu";

/** Traces as they come: found by a filter, narrowed by their distribution and their facets. */
export function TracesPage() {
  const t = useWords();
  const list = useList();
  const { project, range, filter, sort } = list;
  const asked = useInfiniteQuery(tracesQuery(project, range, { filter, sort }));
  const loaded = useMemo(() => asked.data?.pages.flatMap((page) => page.traces), [asked.data]);
  const fresh = useFresh(list, loaded);
  const wrong = asked.error instanceof ApiError && asked.error.field === "query.filter" ? asked.error : null;
  const narrow = useNarrow();
  const rail = list.rail && !narrow;
  const finding = list.text !== "";
  const failed = loaded === undefined && asked.error !== null;
  return (
    <div className="page fill">
      <h1 className="sr-only">{t("traces.title")}</h1>
      <div className="traces-tools">
        <Facets list={list} drawer />
        <FilterBar key={`filter ${filter}`} list={list} wrong={wrong} />
        <FindBox key={`find ${list.text}`} list={list} />
        <ViewsMenu list={list} />
        <ColumnsMenu list={list} />
        <LiveSwitch list={list} />
      </div>
      {finding && <Hits key={`${project} ${range} ${list.text}`} list={list} />}
      {!finding && !failed && <Conditions list={list} />}
      {!finding && !failed && <Strip list={list} />}
      {!finding && (
        <div className={rail && !failed ? "traces-body with-rail" : "traces-body"}>
          {rail && !failed && <Facets list={list} />}
          <div className="traces-main">
            {loaded === undefined && asked.error && !wrong && (
              <Failed error={asked.error} retry={() => void asked.refetch()} />
            )}
            {loaded === undefined && wrong && <Empty title={t("list.wrong")} text={t("list.wrongText")} />}
            {loaded === undefined && !asked.error && <SkeletonRows count={16} />}
            {loaded?.length === 0 && <Nothing list={list} />}
            {loaded !== undefined && loaded.length > 0 && (
              <TraceList
                key={`${project} ${range} ${filter} ${sort}`}
                list={list}
                rows={fresh.rows}
                held={fresh.held}
                onFresh={fresh.take}
                more={asked.hasNextPage && !asked.isFetchNextPageError}
                loadMore={() => void asked.fetchNextPage()}
                loading={asked.isFetching}
              />
            )}
          </div>
        </div>
      )}
    </div>
  );
}

function Nothing({ list }: { list: ListState }) {
  const t = useWords();
  const filtered = list.filter !== "";
  return (
    <Empty
      title={filtered ? t("list.nothing") : t("traces.empty")}
      text={filtered ? t("list.nothingText") : t("traces.emptyText")}
    >
      <span className="state-actions">
        {filtered && (
          <button type="button" className="button" onClick={() => list.set({ filter: undefined, view: undefined })}>
            {t("list.clear")}
          </button>
        )}
        {list.range !== "all" && (
          <button type="button" className="button" onClick={() => list.set({ range: "all" })}>
            {t("actions.showAll")}
          </button>
        )}
      </span>
    </Empty>
  );
}
