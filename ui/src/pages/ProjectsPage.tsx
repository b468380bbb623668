import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { type ReactNode, useRef, useState } from "react";
import { projectsQuery } from "../api/queries";
import type { ProjectRow } from "../api/schema";
import { Connect } from "../components/Connect";
import { Explained } from "../components/Explain";
import { Cost, Duration, QualityNote, TokenSum, Unknown } from "../components/Figures";
import { keepRange } from "../components/Frame";
import { PlusIcon } from "../components/icons";
import { Ago } from "../components/Moment";
import { Opens } from "../components/Opens";
import { Failed, SkeletonRows } from "../components/States";
import { Course, CoverageTile } from "../components/Tiles";
import { TokenBar } from "../components/TokenBar";
import { useKeys } from "../components/useKeys";
import { useWords } from "../i18n/useWords";
import { count, percent } from "../model/format";
import { DEFAULT_RANGE, type Range } from "../model/time";

export function ProjectsPage() {
  const t = useWords();
  const range = useSearch({ strict: false, select: (search) => search.range }) ?? DEFAULT_RANGE;
  const { data, error, refetch } = useQuery(projectsQuery(range));
  const projects = data?.projects;
  const everEmpty = useRef(false);
  const inRange = projects?.filter(hasRuns);
  // Without a run in the range, only all time tells a first visit from a quiet day.
  const ever = useQuery({ ...projectsQuery("all"), enabled: inRange?.length === 0 });
  const active = inRange?.length === 0 ? ever.data?.projects.filter(hasRuns) : inRange;
  if (active?.length === 0) everEmpty.current = true;
  if (error && !projects) return <Failed error={error} retry={() => void refetch()} />;
  if (ever.error && !active) return <Failed error={ever.error} retry={() => void ever.refetch()} />;
  if (!projects || !active) return <SkeletonRows count={4} />;
  if (active.length === 0) return <FirstVisit />;
  return (
    <div className="page">
      <header className="page-head">
        <h1>{t("projects.title")}</h1>
        {everEmpty.current && active[0] && <Arrived project={active[0].project} />}
        <span className="spring" />
        <Opens
          named
          label={t("connect.title")}
          className="button"
          opened="wide"
          trigger={
            <>
              <PlusIcon />
              {t("actions.connect")}
            </>
          }
        >
          <h2>{t("connect.title")}</h2>
          <p className="muted">{t("connect.text")}</p>
          <Connect />
        </Opens>
      </header>
      <ProjectTable projects={projects} range={range} />
    </div>
  );
}

const hasRuns = (row: ProjectRow) => row.last_run_us !== null || row.traces > 0;

/** Rows that ask for their course and coverage; a list longer than that is read by its sums. */
const TOLD = 30;

function ProjectTable({ projects, range }: { projects: readonly ProjectRow[]; range: Range }) {
  const t = useWords();
  const [at, setAt] = useState(-1);
  const navigate = useNavigate();
  const most = Math.max(...projects.map((row) => row.total_tokens));
  const open = (project: string) =>
    void navigate({ to: "/projects/$project/overview", params: { project }, search: keepRange });
  useKeys({
    down: () => setAt(Math.min(at + 1, projects.length - 1)),
    up: () => setAt(Math.max(at - 1, 0)),
    open: () => projects[at] && open(projects[at].project),
  });
  return (
    <div className="scroll">
      <table className="table tall">
        <thead>
          <tr>
            <th>{t("count.project")}</th>
            <th className="right wide-only">{t("count.traces")}</th>
            <th className="right wide-only">{t("count.llmCalls")}</th>
            <th className="right">{t("count.tokens")}</th>
            <th className="right">{t("count.cost")}</th>
            <th className="wide-only trend-col">{t("overview.trend")}</th>
            <th className="wide-only">{t("nav.coverage")}</th>
            <th className="right wide-only">{t("count.p95")}</th>
            <th className="right wide-only">{t("count.errors")}</th>
            <th className="right wide-only">{t("count.lastRun")}</th>
          </tr>
        </thead>
        <tbody>
          {projects.map((row, index) => (
            <tr key={row.project_id} className={index === at ? "cursor" : ""}>
              <td>
                <Link
                  className="row-link"
                  to="/projects/$project/overview"
                  params={{ project: row.project }}
                  search={keepRange}
                >
                  {row.project}
                </Link>
              </td>
              <td className="right num wide-only">{count(row.traces)}</td>
              <td className="right num wide-only">{count(row.llm_calls)}</td>
              <td className="right">
                <span className="stack">
                  <Told row={row}>
                    <TokenSum totals={row} />
                  </Told>
                  <TokenBar totals={row} most={most} />
                </span>
              </td>
              <td className="right">
                <span className="stack">
                  <Told row={row}>
                    <Cost totals={row} noted />
                  </Told>
                  <QualityNote totals={row} />
                </span>
              </td>
              <td className="wide-only trend-col">
                {index < TOLD && row.llm_calls > 0 && <Course project={row.project} range={range} />}
              </td>
              <td className="wide-only">
                {index < TOLD && row.llm_calls > 0 && <CoverageTile project={row.project} range={range} />}
              </td>
              <td className="right wide-only">
                <Duration ms={row.p95_ms} />
              </td>
              <td className="right wide-only">
                {row.traces === 0 ? <Unknown /> : <ErrorShare errors={row.errors} traces={row.traces} />}
              </td>
              <td className="right muted wide-only">
                <Ago us={row.last_run_us} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A figure of a project that explains itself, where there is anything to explain. */
function Told({ row, children }: { row: ProjectRow; children: ReactNode }) {
  return row.llm_calls === 0 ? children : <Explained cell={{ project: row.project }}>{children}</Explained>;
}

export function ErrorShare({ errors, traces }: { errors: number; traces: number }) {
  const t = useWords();
  return (
    <span
      className={errors > 0 ? "num bad" : "num muted"}
      title={`${count(errors)} ${t("count.ofTraces", { count: traces, traces: count(traces) })}`}
    >
      {percent(errors / traces)}
    </span>
  );
}

function FirstVisit() {
  const t = useWords();
  return (
    <div className="first-visit">
      <h1>{t("projects.empty")}</h1>
      <p>{t("projects.emptyText")}</p>
      <Connect />
      <p className="waiting" role="status">
        <i className="dot pending" />
        {t("projects.waiting")}
      </p>
    </div>
  );
}

function Arrived({ project }: { project: string }) {
  const t = useWords();
  return (
    <p className="arrived" role="status">
      <i className="dot success" />
      {t("projects.arrived")}
      <Link to="/projects/$project/traces" params={{ project }} search={keepRange}>
        {t("projects.openFirst", { project })}
      </Link>
    </p>
  );
}
