import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { lazy, type ReactNode, Suspense, useCallback, useMemo } from "react";
import { auditQuery } from "../../api/admin";
import { type ExplainBy, seriesBeforeQuery, seriesQuery } from "../../api/queries";
import type { Series } from "../../api/schema";
import { sessionQuery } from "../../api/session";
import type { Line } from "../../components/Chart";
import { Explained, ExplainedCell } from "../../components/Explain";
import { CloseIcon } from "../../components/icons";
import { Panel, Switch } from "../../components/Panel";
import { useWords } from "../../i18n/useWords";
import { bucketAt, lineBefore, METRICS, type Metric, type Stack, stacks, zoomed } from "../../model/dashboard";
import { count, money, percent, tokens } from "../../model/format";
import { bucketLabel, type Range, rangeOf, zoneName } from "../../model/time";
import { SPLITS } from "../../router";
import { ReleaseLegend, useReleases } from "./releases";

const Chart = lazy(() => import("../../components/Chart"));

const CLASS_COLOURS: Record<string, string> = {
  input: "--tc-input",
  cache_read: "--tc-cache-read",
  cache_write: "--tc-cache-write",
  output: "--tc-output",
  reasoning: "--tc-reasoning",
  other: "--tc-tool-use",
};
const GROUP_COLOURS = 7;

function colourOf({ group }: Stack, index: number, by: string): string {
  if (by === "class") return CLASS_COLOURS[group.key ?? "other"] ?? "--bar";
  return group.other ? "--bar" : `--group-${(index % GROUP_COLOURS) + 1}`;
}

export function formatOf(metric: Metric): (value: number) => string {
  if (metric === "cost") return (value) => money(String(value)).value;
  if (metric === "calls") return count;
  return (value) => {
    const figure = tokens(value);
    return figure.unit ? `${figure.value} ${figure.unit}` : figure.value;
  };
}

export function OverTime({ project, range }: { project: string; range: Range }) {
  const t = useWords();
  const navigate = useNavigate();
  const search = useSearch({ from: "/projects/$project/overview" });
  const { by = "class", metric = "cost" } = search;
  const asked = useQuery(seriesQuery(project, range, by));
  const before = useQuery(seriesBeforeQuery(project, range));
  return (
    <Panel
      wide
      asked={asked}
      title={t("overview.overTime", { metric: t(`overview.${metric}`) })}
      actions={
        <>
          <Switch
            label={t("overview.metric")}
            value={metric}
            choices={METRICS.filter((value) => by !== "class" || value !== "calls").map((value) => ({
              value,
              label: t(`overview.${value}`),
            }))}
            onChoose={(next) => void navigate({ to: ".", search: (now) => ({ ...now, metric: next }) })}
          />
          <Switch
            label={t("overview.splitBy")}
            value={by}
            choices={SPLITS.map((value) => ({ value, label: t(`overview.by.${value}`) }))}
            onChoose={(next) =>
              void navigate({
                to: ".",
                search: (now) => ({
                  ...now,
                  by: next,
                  ...(next === "class" && metric === "calls" && { metric: "cost" as const }),
                }),
              })
            }
          />
        </>
      }
    >
      {asked.data && <Stacked series={asked.data} before={before.data} metric={metric} range={range} />}
      {asked.data && search.bucket !== undefined && <Bucket series={asked.data} startMs={search.bucket} />}
    </Panel>
  );
}

type StackedProps = { series: Series; before: Series | undefined; metric: Metric; range: Range };

function Stacked({ series, before, metric, range }: StackedProps) {
  const t = useWords();
  const navigate = useNavigate();
  const held = useMemo(() => stacks(series, metric), [series, metric]);
  const format = useMemo(() => formatOf(metric), [metric]);
  const name = useCallback(
    ({ group }: Stack) => {
      if (group.other) return t("overview.others", { count: series.grouped });
      if (series.by === "class") {
        return group.key === "other"
          ? t("overview.meters")
          : t(`tokenClass.${group.key}` as "tokenClass.input", { defaultValue: group.key });
      }
      return group.key ?? t("overview.unnamed");
    },
    [t, series],
  );
  const lines = useMemo(() => {
    const drawn: Line[] = held.map((stack, index) => ({
      name: name(stack),
      values: stack.values,
      colour: colourOf(stack, index, series.by),
      // A call with two tags stands under both: a stack of them would be higher than what was spent.
      kind: series.by === "tag" ? "line" : "stack",
    }));
    if (before) {
      const values = lineBefore(before, metric, series.starts_us.length);
      drawn.push({ name: t("overview.previous"), values, colour: "--text-3", kind: "thin" });
    }
    return drawn;
  }, [held, before, metric, series, name, t]);
  const labels = useMemo(() => series.starts_us.map((us) => bucketLabel(us, series.bucket, series.tz)), [series]);
  const zoom = useCallback(
    (first: number, last: number) => {
      const to = zoomed(series, first, last);
      if (to) void navigate({ to: ".", search: (now) => ({ ...now, range: rangeOf(to.fromMs, to.toMs) }) });
    },
    [series, navigate],
  );
  const total = held.reduce((sum, stack) => sum + stack.total, 0);
  const marks = usePriceChanges(series);
  const releases = useReleases(series.project, range, series);
  const pick = useCallback(
    (index: number) => {
      const start = series.starts_us[index];
      if (start !== undefined) void navigate({ to: ".", search: (now) => ({ ...now, bucket: start / 1_000 }) });
    },
    [series, navigate],
  );
  const { bucket } = useSearch({ from: "/projects/$project/overview" });
  const pinned = bucket === undefined ? -1 : series.starts_us.indexOf(bucket * 1_000);
  return (
    <div className="chart-with-legend">
      <Suspense fallback={<div className="chart" />}>
        <Chart
          lines={lines}
          labels={labels}
          format={format}
          zone={zoneName(series.tz, Date.now())}
          label={t("overview.chartLabel", { zone: zoneName(series.tz, Date.now()) })}
          onZoom={zoom}
          onPick={pick}
          pinned={pinned < 0 ? undefined : pinned}
          marks={marks}
          releases={releases.marks}
        />
      </Suspense>
      <ul className="legend">
        {held.map((stack, index) => (
          <li key={`${stack.group.other} ${stack.group.key}`}>
            <i className="swatch" style={{ background: `var(${colourOf(stack, index, series.by)})` }} />
            <span className="ellipsis" title={name(stack)}>
              {name(stack)}
            </span>
            {stack.total === 0 ? (
              <span className="tag outlined">{t("quality.unpriced")}</span>
            ) : (
              <Total stack={stack} by={series.by} metric={metric}>
                {format(stack.total)}
              </Total>
            )}
            <span className="num muted">{stack.total > 0 && series.by !== "tag" && percent(stack.total / total)}</span>
          </li>
        ))}
        {before && (
          <li className="muted">
            <i className="swatch line" />
            <span>{t("overview.previous")}</span>
          </li>
        )}
        {marks.length > 0 && (
          <li className="muted">
            <i className="swatch line dashed warn-line" />
            <span>{t("explain.priceChange")}</span>
          </li>
        )}
        <ReleaseLegend releases={releases} />
        {series.by === "tag" && <li className="hint muted">{t("explain.tagged")}</li>}
        <li className="hint muted">{t("overview.brush")}</li>
      </ul>
    </div>
  );
}

/** The total of a group explains itself; that of a token class is a line of the whole range's explanation. */
function Total({ stack, by, metric, children }: { stack: Stack; by: string; metric: Metric; children: ReactNode }) {
  // The rest has no name to ask for, and a number of calls is what it is.
  if (stack.group.other || metric === "calls") return <span className="num">{children}</span>;
  return (
    <Explained cell={by === "class" ? {} : { by: by as ExplainBy, key: stack.group.key ?? "" }}>
      <span className="num">{children}</span>
    </Explained>
  );
}

/** What one bucket of the chart cost, and why. */
function Bucket({ series, startMs }: { series: Series; startMs: number }) {
  const t = useWords();
  const navigate = useNavigate();
  const index = series.starts_us.indexOf(startMs * 1_000);
  const within = index < 0 ? null : zoomed(series, index, index);
  if (within === null) return null;
  const label = (ms: number) => bucketLabel(ms * 1_000, series.bucket, series.tz);
  const end = Math.min(within.toMs, Date.now());
  return (
    <section
      className="bucket"
      aria-label={t("explain.bucket", { from: label(within.fromMs), to: label(within.toMs) })}
    >
      <header>
        <h3>
          {t("explain.bucket", { from: label(within.fromMs), to: label(within.toMs) })}{" "}
          <span className="muted">{zoneName(series.tz, Date.now())}</span>
        </h3>
        <button
          type="button"
          className="quiet icon"
          aria-label={t("explain.closeBucket")}
          onClick={() => void navigate({ to: ".", search: ({ bucket: _, ...rest }) => rest })}
        >
          <CloseIcon />
        </button>
      </header>
      <ExplainedCell cell={{ range: rangeOf(within.fromMs, end) }} />
    </section>
  );
}

/** Buckets in which an administrator set or removed a price; none for readers who may not see the log. */
function usePriceChanges(series: Series): { index: number; name: string }[] {
  const t = useWords();
  const admin = useQuery(sessionQuery).data?.scopes.includes("admin") ?? false;
  const { data } = useInfiniteQuery({ ...auditQuery("price"), enabled: admin });
  return useMemo(() => {
    const found = new Set(
      (data?.pages ?? [])
        .flatMap((page) => page.entries)
        .map((entry) => bucketAt(series, entry.at_us))
        .filter((index) => index >= 0),
    );
    return [...found].map((index) => ({ index, name: t("explain.priceChanges") }));
  }, [data, series, t]);
}
