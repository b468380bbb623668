import { useQuery } from "@tanstack/react-query";
import { Link, useParams, useSearch } from "@tanstack/react-router";
import { coverageQuery } from "../api/queries";
import type { Coverage, CoverageCause, CoverageNote, CoverageRow } from "../api/schema";
import { Copy } from "../components/Copy";
import { QualityNote } from "../components/Figures";
import { keepRange } from "../components/Frame";
import { NoCalls } from "../components/ListPage";
import { Ago } from "../components/Moment";
import { Failed, SkeletonRows } from "../components/States";
import { useNarrow } from "../components/useNarrow";
import { useZone } from "../components/useZone";
import { useWords } from "../i18n/useWords";
import { PARTS, partsOf, pathState } from "../model/coverage";
import { count } from "../model/format";
import { clock, DEFAULT_RANGE } from "../model/time";

/** "Why is it 0?": each call path, how well it is known, the cause and the cure. */
export function CoveragePage() {
  const t = useWords();
  const { project } = useParams({ from: "/projects/$project/coverage" });
  const range = useSearch({ strict: false, select: (search) => search.range }) ?? DEFAULT_RANGE;
  const { data, error, refetch } = useQuery(coverageQuery(project, range));
  return (
    <div className="page">
      <h1 className="sr-only">{t("nav.coverage")}</h1>
      {!data && error && <Failed error={error} retry={() => void refetch()} />}
      {!data && !error && <SkeletonRows count={8} />}
      {data?.paths.length === 0 && <NoCalls />}
      {data && data.paths.length > 0 && (
        <>
          <Headline coverage={data} />
          {data.dropped_by_clients > 0 && (
            <p className="bad">{t("coverage.dropped", { count: data.dropped_by_clients })}</p>
          )}
          <Paths coverage={data} />
          <Notes notes={data.notes} project={project} />
        </>
      )}
    </div>
  );
}

function Headline({ coverage }: { coverage: Coverage }) {
  const t = useWords();
  const { paths, reporting } = coverage;
  const silent = paths.length - reporting;
  return (
    <header className="page-head coverage-head">
      <h2>
        <i className={`dot ${silent > 0 ? "error" : "success"}`} />
        {t("coverage.headline", { reporting, count: paths.length })}
        {silent > 0 && <span className="bad"> {t("coverage.silent", { count: silent })}</span>}
      </h2>
      <span className="spring" />
      <QualityNote totals={coverage} />
    </header>
  );
}

function Paths({ coverage }: { coverage: Coverage }) {
  const t = useWords();
  return (
    <div className="scroll-x">
      <table className="table coverage">
        <thead>
          <tr>
            <th>{t("detail.callPath")}</th>
            <th className="right">{t("count.llmCalls")}</th>
            <th className="quality-col">
              <Legend />
            </th>
            <th className="right wide-only">{t("groups.first")}</th>
            <th className="right">{t("groups.last")}</th>
          </tr>
        </thead>
        {coverage.paths.map((row) => (
          <PathRows key={row.call_path} row={row} project={coverage.project} />
        ))}
      </table>
    </div>
  );
}

function Legend() {
  const t = useWords();
  return (
    <span className="chips">
      {PARTS.map((part) => (
        <span key={part}>
          <i className={`swatch q-${part}`} />
          {t(`quality.${part}`)}
        </span>
      ))}
    </span>
  );
}

const DOTS = { reports: "success", unpriced: "interrupted", silent: "error" } as const;
const STATES = { reports: "reports", unpriced: "unpricedPath", silent: "silentPath" } as const;

function PathRows({ row, project }: { row: CoverageRow; project: string }) {
  const t = useWords();
  const state = pathState(row);
  const columns = useNarrow() ? 4 : 5;
  return (
    <tbody>
      <tr>
        <td>
          <i className={`dot ${DOTS[state]}`} role="img" aria-label={t(`coverage.${STATES[state]}`)} />{" "}
          <strong className="code">{row.call_path || t("coverage.unknownPath")}</strong>
        </td>
        <td className="right num">{count(row.llm_calls)}</td>
        <td className="quality-col">
          <PartsBar row={row} />
        </td>
        <td className="right muted wide-only">
          <Ago us={row.first_us} />
        </td>
        <td className="right muted">
          <Ago us={row.last_us} />
        </td>
      </tr>
      {row.causes.map((cause) => (
        <tr key={cause.code} className="cause">
          <td colSpan={columns}>
            <Cause cause={cause} project={project} />
          </td>
        </tr>
      ))}
    </tbody>
  );
}

function PartsBar({ row }: { row: CoverageRow }) {
  const t = useWords();
  const parts = partsOf(row);
  const label = parts.map(({ part, calls }) => `${count(calls)} ${t(`quality.${part}`)}`).join(" · ");
  return (
    <span className="quality-cell">
      <span className="parts-bar" role="img" aria-label={label} title={label}>
        {parts.map(({ part, calls }) => (
          <i key={part} className={`q-${part}`} style={{ flexGrow: calls }} />
        ))}
      </span>
      <span className="muted num">{label}</span>
    </span>
  );
}

function Cause({ cause, project }: { cause: CoverageCause; project: string }) {
  const t = useWords();
  return (
    <div className={`cause-body ${cause.kind}`}>
      <p>
        <strong className="num">{t("coverage.calls", { count: cause.calls, calls: count(cause.calls) })}</strong>{" "}
        {t(`causes.${cause.code}` as "causes.stream_cut", { defaultValue: cause.text })}
        {cause.models.length > 0 && <span className="muted"> {cause.models.join(", ")}</span>}
      </p>
      {cause.snippet && (
        <div className="snippet">
          <pre>{cause.snippet}</pre>
          <Copy text={cause.snippet} />
        </div>
      )}
      <Examples ids={cause.trace_ids} project={project} />
      <p className="muted small-text">
        <Since cause={cause} /> · {t("groups.last")} <Ago us={cause.last_us} />
      </p>
    </div>
  );
}

/** When these calls began, and with which release where they say it. */
function Since({ cause: { first_us, release } }: { cause: CoverageCause }) {
  const t = useWords();
  const moment = clock(first_us, Date.now(), useZone());
  return (
    <time dateTime={new Date(first_us / 1_000).toISOString()}>
      {release === null ? t("coverage.since", { moment }) : t("coverage.sinceRelease", { moment, release })}
    </time>
  );
}

function Examples({ ids, project }: { ids: readonly string[]; project: string }) {
  const t = useWords();
  return (
    <p className="examples small-text">
      <span className="muted">{t("coverage.examples")}</span>
      {ids.map((traceId) => (
        <Link
          key={traceId}
          className="code"
          to="/projects/$project/traces/$traceId"
          params={{ project, traceId }}
          search={keepRange}
        >
          {traceId.slice(0, 8)}
        </Link>
      ))}
    </p>
  );
}

function Notes({ notes, project }: { notes: readonly CoverageNote[]; project: string }) {
  const t = useWords();
  return (
    <section className="notes" aria-labelledby="notes">
      <h2 id="notes">{t("coverage.notes")}</h2>
      {notes.length === 0 && <p className="muted">{t("coverage.noNotes")}</p>}
      {notes.map((note) => (
        <div key={note.kind} className="note-line">
          <p>
            <strong className="num">{count(note.kind === "duplicate" ? note.reports : note.calls)}</strong>{" "}
            {t(`noted.${note.kind}` as "noted.duplicate", { count: note.reports, defaultValue: note.kind })}
          </p>
          <Examples ids={note.trace_ids} project={project} />
        </div>
      ))}
    </section>
  );
}
