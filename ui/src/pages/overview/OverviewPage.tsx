import { useQuery } from "@tanstack/react-query";
import { useParams, useSearch } from "@tanstack/react-router";
import { coverageQuery, summaryQuery } from "../../api/queries";
import { NoCalls } from "../../components/ListPage";
import { Failed } from "../../components/States";
import { SummaryStrip } from "../../components/SummaryStrip";
import { useWords } from "../../i18n/useWords";
import { DEFAULT_RANGE } from "../../model/time";
import { Dearest } from "./Dearest";
import { CoverageStat, Gaps } from "./Gaps";
import { Latencies } from "./Latencies";
import { OverTime } from "./OverTime";
import { WhatChanged } from "./WhatChanged";
import { Where } from "./Where";

/** Where the money goes, what changed it, and whether the number can be trusted. */
export function OverviewPage() {
  const t = useWords();
  const { project } = useParams({ from: "/projects/$project/overview" });
  const range = useSearch({ strict: false, select: (search) => search.range }) ?? DEFAULT_RANGE;
  const { data, error, refetch } = useQuery(summaryQuery(project, range));
  const coverage = useQuery(coverageQuery(project, range));
  const at = { project, range };
  return (
    <div className="page">
      <h1 className="sr-only">{t("nav.overview")}</h1>
      {(data || !error) && (
        <SummaryStrip {...at} compare>
          <CoverageStat coverage={coverage.data} />
        </SummaryStrip>
      )}
      {!data && error && <Failed error={error} retry={() => void refetch()} />}
      {data?.llm_calls === 0 && <NoCalls />}
      {data?.llm_calls !== 0 && !(error && !data) && (
        <div className="panels">
          <OverTime {...at} />
          <Where {...at} />
          <WhatChanged {...at} />
          <Latencies {...at} />
          <Dearest {...at} />
          <Gaps project={project} asked={coverage} />
        </div>
      )}
    </div>
  );
}
