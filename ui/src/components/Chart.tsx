/** ECharts, loaded only where a chart is shown: bars and lines over one row of buckets, with a brush to zoom. */

import { BarChart, LineChart } from "echarts/charts";
import { BrushComponent, GridComponent, MarkLineComponent, TooltipComponent } from "echarts/components";
import { type EChartsCoreOption, init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import type { ReleaseMark } from "../model/releases";
import { type Places, ReleaseFlags } from "./ReleaseFlags";
import { useColours } from "./useColours";

use([BarChart, LineChart, BrushComponent, GridComponent, MarkLineComponent, TooltipComponent, CanvasRenderer]);

export type Line = {
  readonly name: string;
  readonly values: readonly (number | null)[];
  /** Name of a custom property, such as `--tc-input`. */
  readonly colour: string;
  readonly kind: "stack" | "line" | "thin" | "dashed";
};

export type ChartProps = {
  readonly lines: readonly Line[];
  readonly labels: readonly string[];
  readonly format: (value: number) => string;
  /** What a reader who does not see it is told; the figures stand in the legend beside it. */
  readonly label: string;
  /** Name of the zone in which the labels are, beside the axis. */
  readonly zone: string;
  readonly onZoom?: (first: number, last: number) => void;
  /** A click on a bucket, or Enter on the one walked to. */
  readonly onPick?: (index: number) => void;
  /** The bucket picked. */
  readonly pinned?: number | undefined;
  /** Buckets in which something changed that explains what follows. */
  readonly marks?: readonly { readonly index: number; readonly name: string }[];
  /** Buckets in which releases begin. */
  readonly releases?: readonly ReleaseMark[];
};

const FRAME = ["--text-2", "--line", "--grid", "--raised", "--text", "--accent", "--warn"] as const;
const FONT = "Inter, system-ui, sans-serif";
const NOWHERE: Places = { xs: [], width: 0 };
/** Pixels above the grid; with releases, room for their flags. */
const TOP = 12;
const FLAGGED_TOP = 28;

export default function Chart(props: ChartProps) {
  const { lines, labels, format, label, zone, onZoom, onPick, marks, pinned, releases } = props;
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<ReturnType<typeof init> | null>(null);
  const zoom = useRef(onZoom);
  const pick = useRef(onPick);
  const place = useRef(() => {});
  const [places, setPlaces] = useState(NOWHERE);
  const colours = useColours([...FRAME, ...lines.map((line) => line.colour)]);
  useEffect(() => {
    zoom.current = onZoom;
    pick.current = onPick;
  });
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const made = init(element);
    chart.current = made;
    const sized = new ResizeObserver(() => {
      made.resize();
      place.current();
    });
    sized.observe(element);
    made.on("brushEnd", (event) => {
      const range = (event as { areas: { coordRange?: [number, number] }[] }).areas[0]?.coordRange;
      made.dispatchAction({ type: "brush", areas: [] });
      if (range) zoom.current?.(range[0], range[1]);
    });
    made.getZr().on("click", ({ offsetX, offsetY }) => {
      if (!made.containPixel({ gridIndex: 0 }, [offsetX, offsetY])) return;
      const [index] = made.convertFromPixel({ gridIndex: 0 }, [offsetX, offsetY]) as [number, number];
      pick.current?.(index);
    });
    return () => {
      sized.disconnect();
      made.dispose();
      chart.current = null;
    };
  }, []);
  useEffect(() => {
    const made = chart.current;
    if (!made) return;
    made.setOption(
      optionOf({ lines, labels, format, zone, marks, pinned, releases }, colours, onZoom !== undefined),
      true,
    );
    place.current = () => {
      if (releases === undefined) return;
      const xs = releases.map(({ index }) => made.convertToPixel({ xAxisIndex: 0 }, index));
      setPlaces({ xs, width: made.getWidth() });
    };
    place.current();
    if (onZoom !== undefined) {
      const brushOption = { brushType: "lineX", brushMode: "single" };
      made.dispatchAction({ type: "takeGlobalCursor", key: "brush", brushOption });
    }
  }, [lines, labels, format, zone, marks, pinned, releases, colours, onZoom]);
  const [at, setAt] = useState<number | null>(null);
  const most = Math.max(labels.length - 1, 0);
  const walk = (to: number | null) => {
    setAt(to);
    chart.current?.dispatchAction(
      to === null ? { type: "hideTip" } : { type: "showTip", seriesIndex: 0, dataIndex: to },
    );
  };
  const onKey = (event: KeyboardEvent) => {
    const to = { ArrowRight: (at ?? -1) + 1, ArrowLeft: (at ?? most + 1) - 1, Home: 0, End: most }[event.key];
    if (to !== undefined) walk(Math.min(Math.max(to, 0), most));
    else if (event.key === "Enter" && at !== null) pick.current?.(at);
    else if (event.key === "Escape" && at !== null) walk(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div className="chart-box">
      <div
        ref={box}
        className="chart"
        role="slider"
        tabIndex={0}
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={most}
        aria-valuenow={at ?? 0}
        aria-valuetext={at === null ? "" : told(lines, labels, format, at)}
        onKeyDown={onKey}
        onBlur={() => walk(null)}
      />
      {releases && releases.length > 0 && <ReleaseFlags marks={releases} places={places} />}
    </div>
  );
}

/** A bucket as its tooltip says it. */
function told(lines: readonly Line[], labels: readonly string[], format: (value: number) => string, at: number) {
  const values = lines.flatMap(({ name, values }) => {
    const value = values[at];
    return value === null || value === undefined ? [] : [`${name} ${format(value)}`];
  });
  return [labels[at], ...values].join(", ");
}

type Drawn = Pick<ChartProps, "lines" | "labels" | "format" | "zone"> & {
  marks: ChartProps["marks"] | undefined;
  pinned: number | undefined;
  releases: ChartProps["releases"] | undefined;
};

function optionOf(
  { lines, labels, format, zone, marks, pinned, releases = [] }: Drawn,
  colours: ReadonlyMap<string, string>,
  zooms: boolean,
) {
  const colour = (name: string) => colours.get(name) ?? "#888";
  const text = { color: colour("--text-2"), fontFamily: FONT, fontSize: 11 };
  return {
    animation: false,
    grid: { left: 8, right: 44, top: releases.length > 0 ? FLAGGED_TOP : TOP, bottom: 4, containLabel: true },
    xAxis: {
      type: "category",
      data: labels,
      name: zone,
      nameGap: 6,
      nameTextStyle: { ...text, verticalAlign: "middle" },
      axisLabel: { ...text, hideOverlap: true },
      axisTick: { show: false },
      axisLine: { lineStyle: { color: colour("--line") } },
    },
    yAxis: {
      type: "value",
      splitNumber: 4,
      axisLabel: { ...text, formatter: format },
      splitLine: { lineStyle: { color: colour("--grid") } },
    },
    tooltip: {
      trigger: "axis",
      confine: true,
      renderMode: "richText",
      order: "seriesDesc",
      backgroundColor: colour("--raised"),
      borderColor: colour("--line"),
      textStyle: { ...text, color: colour("--text"), fontSize: 12 },
      axisPointer: { type: "line", lineStyle: { color: colour("--text-2"), type: "solid" } },
      valueFormatter: (value: unknown) => (typeof value === "number" ? format(value) : "—"),
    },
    ...(zooms && {
      brush: {
        xAxisIndex: 0,
        transformable: false,
        outOfBrush: { colorAlpha: 0.4 },
        brushStyle: { borderWidth: 1, color: "rgba(13,148,136,0.12)", borderColor: colour("--accent") },
      },
    }),
    series: [
      ...lines.map((line) => seriesOf(line, colour(line.colour))),
      ...(marks && marks.length > 0 ? [marksOf(marks, text, colour("--warn"))] : []),
      ...(releases.length === 0 ? [] : [linesAt(releases, colour("--text-2"), "dotted")]),
      ...(pinned === undefined ? [] : [linesAt([{ index: pinned }], colour("--accent"), "solid")]),
    ],
  } satisfies EChartsCoreOption;
}

/** Dashed lines across the chart, each with a name at its top. */
function marksOf(marks: NonNullable<ChartProps["marks"]>, text: object, colour: string) {
  return {
    type: "line" as const,
    data: [],
    markLine: {
      symbol: ["none", "diamond"],
      symbolSize: 7,
      silent: true,
      animation: false,
      lineStyle: { color: colour, type: "dashed" as const, width: 1 },
      label: { ...text, color: colour, formatter: "{b}", position: "insideEndTop" as const },
      data: marks.map(({ index, name }) => ({ xAxis: index, name })),
    },
  };
}

/** Lines without a name: at the bucket that is explained beneath, and beneath the flags of releases. */
function linesAt(places: readonly { readonly index: number }[], color: string, type: "solid" | "dotted") {
  return {
    type: "line" as const,
    data: [],
    markLine: {
      symbol: ["none", "none"],
      silent: true,
      animation: false,
      lineStyle: { color, type, width: 1 },
      label: { show: false },
      data: places.map(({ index }) => ({ xAxis: index })),
    },
  };
}

function seriesOf({ name, values, kind }: Line, colour: string) {
  if (kind === "stack") {
    return {
      name,
      type: "bar" as const,
      stack: "all",
      data: [...values],
      itemStyle: { color: colour },
      barCategoryGap: "18%",
    };
  }
  return {
    name,
    type: "line" as const,
    data: [...values],
    symbol: "circle",
    symbolSize: 3,
    showSymbol: kind !== "thin" && values.filter((value) => value !== null).length < 40,
    color: colour,
    lineStyle: { color: colour, width: kind === "thin" ? 1 : 1.5, type: kind === "dashed" ? "dashed" : "solid" },
    z: 3,
  };
}
