import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { lazy, Suspense, useCallback, useMemo } from "react";
import { seriesBeforeQuery, seriesQuery } from "../../api/queries";
import type { Series } from "../../api/schema";
import type { Line } from "../../components/Chart";
import { Panel, Switch } from "../../components/Panel";
import { useWords } from "../../i18n/useWords";
import { lineBefore, METRICS, type Metric, type Stack, stacks, zoomed } from "../../model/dashboard";
import { count, money, percent, tokens } from "../../model/format";
import { bucketLabel, type Range, rangeOf, zoneName } from "../../model/time";
import { SPLITS } from "../../router";

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
      {asked.data && <Stacked series={asked.data} before={before.data} metric={metric} />}
    </Panel>
  );
}

function Stacked({ series, before, metric }: { series: Series; before: Series | undefined; metric: Metric }) {
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
      kind: "stack",
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
              <span className="num">{format(stack.total)}</span>
            )}
            <span className="num muted">{stack.total > 0 && percent(stack.total / total)}</span>
          </li>
        ))}
        {before && (
          <li className="muted">
            <i className="swatch line" />
            <span>{t("overview.previous")}</span>
          </li>
        )}
        <li className="hint muted">{t("overview.brush")}</li>
      </ul>
    </div>
  );
}
