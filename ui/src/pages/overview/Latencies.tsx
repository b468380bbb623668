import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useMemo } from "react";
import { seriesQuery } from "../../api/queries";
import type { Line } from "../../components/Chart";
import { Panel } from "../../components/Panel";
import { useWords } from "../../i18n/useWords";
import { LATENCIES, type Latency, latencyLine } from "../../model/dashboard";
import { duration } from "../../model/format";
import { bucketLabel, type Range, zoneName } from "../../model/time";
import { ReleaseLegend, useReleases } from "./releases";

const Chart = lazy(() => import("../../components/Chart"));

const LOOKS: Record<Latency, { colour: string; kind: Line["kind"] }> = {
  p50_ms: { colour: "--group-1", kind: "line" },
  p95_ms: { colour: "--group-1", kind: "dashed" },
  ttft_p50_ms: { colour: "--group-3", kind: "line" },
  ttft_p95_ms: { colour: "--group-3", kind: "dashed" },
};

function format(ms: number): string {
  const figure = duration(ms);
  return `${figure.value} ${figure.unit}`;
}

/** Duration of a call and time to its first token, median and 95th percentile. */
export function Latencies({ project, range }: { project: string; range: Range }) {
  const t = useWords();
  const asked = useQuery(seriesQuery(project, range, "none"));
  const series = asked.data;
  const releases = useReleases(project, range, series);
  const lines = useMemo<Line[]>(
    () =>
      series
        ? LATENCIES.map((name) => ({ name: t(`overview.${name}`), values: latencyLine(series, name), ...LOOKS[name] }))
        : [],
    [series, t],
  );
  const labels = useMemo(
    () => series?.starts_us.map((us) => bucketLabel(us, series.bucket, series.tz)) ?? [],
    [series],
  );
  return (
    <Panel asked={asked} title={t("overview.latency")}>
      <ul className="legend row">
        {LATENCIES.map((name) => (
          <li key={name}>
            <i className={`swatch line ${LOOKS[name].kind}`} style={{ borderColor: `var(${LOOKS[name].colour})` }} />
            <span>{t(`overview.${name}`)}</span>
          </li>
        ))}
        <ReleaseLegend releases={releases} />
      </ul>
      <Suspense fallback={<div className="chart small" />}>
        <div className="chart-small">
          <Chart
            lines={lines}
            labels={labels}
            format={format}
            zone={zoneName(series?.tz ?? "UTC", Date.now())}
            releases={releases.marks}
            label={t("overview.latencyLabel", { zone: zoneName(series?.tz ?? "UTC", Date.now()) })}
          />
        </div>
      </Suspense>
    </Panel>
  );
}
