import { useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, type PointerEvent, useMemo, useState } from "react";
import { distributionQuery } from "../../api/queries";
import type { Distribution } from "../../api/schema";
import { Switch } from "../../components/Panel";
import { FailedPart } from "../../components/States";
import { useZone } from "../../components/useZone";
import { useWords } from "../../i18n/useWords";
import { count, duration, money, tokens } from "../../model/format";
import { type Bar, barAt, barsOf, narrowed, STRIPS, type Strip as StripName } from "../../model/strip";
import { bucketLabel, zoneName } from "../../model/time";
import type { ListState } from "./useList";

/** How the traces found are spread over time, or by cost, duration, first token or tokens; a drag narrows to a part. */
export function Strip({ list }: { list: ListState }) {
  const t = useWords();
  const { project, range, filter, strip } = list;
  const { data, error, refetch } = useQuery(distributionQuery(project, range, filter, strip));
  return (
    <section className="strip" aria-label={t("list.strip")}>
      <div className="strip-head">
        <Switch
          label={t("list.strip")}
          value={strip}
          choices={STRIPS.map((value) => ({ value, label: t(`list.strips.${value}`) }))}
          onChoose={(next) => list.set({ strip: next === "count" ? undefined : next })}
        />
        {data && <Sums data={data} strip={strip} />}
      </div>
      {data && <Bars list={list} data={data} />}
      {!data && error && <FailedPart error={error} retry={() => void refetch()} />}
      {!data && !error && <div className="strip-bars skeleton" aria-busy="true" />}
    </section>
  );
}

const words = (figure: { value: string; unit: string }) => `${figure.value}${figure.unit && ` ${figure.unit}`}`;

function figure(strip: StripName, value: number): string {
  if (strip === "cost") return words(money(value.toFixed(12)));
  if (strip === "tokens") return words(tokens(Math.round(value)));
  return words(duration(value * 1_000));
}

function Sums({ data, strip }: { data: Distribution; strip: StripName }) {
  const t = useWords();
  const { p50, p95 } = data.marks;
  return (
    <p className="muted small-text strip-sums">
      <strong className="num">{t("list.found", { count: data.traces, traces: count(data.traces) })}</strong>
      {strip !== "count" && p50 !== null && p95 !== null && (
        <span className="num">{t("list.marks", { p50: figure(strip, p50), p95: figure(strip, p95) })}</span>
      )}
      {strip !== "count" && data.unknown > 0 && <span>{t("list.unknown", { count: data.unknown })}</span>}
      <span className="wide-only hint">{t("list.stripHelp")}</span>
    </p>
  );
}

function Bars({ list, data }: { list: ListState; data: Distribution }) {
  const t = useWords();
  const zone = useZone();
  const { strip, filter, set } = list;
  const bars = useMemo(() => barsOf(strip, data, Date.now() * 1_000), [strip, data]);
  const [picked, setPicked] = useState<readonly [number, number] | null>(null);
  const [hovered, setHovered] = useState<number | null>(null);
  const most = Math.max(1, ...bars.map((bar) => bar.traces));
  const write = (value: number) =>
    strip === "count" ? bucketLabel(value, data.bucket, data.tz) : figure(strip, value);
  const told = hovered ?? picked?.[1] ?? null;
  const apply = () => {
    const found = picked && narrowed(strip, bars, picked, { field: data.field, filter });
    setPicked(null);
    if (found) set(found);
  };
  const under = (event: PointerEvent<HTMLElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    return barAt(bars, (event.clientX - box.left) / box.width);
  };
  const onKey = (event: KeyboardEvent) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by !== undefined) {
      event.preventDefault();
      const [first, last] = picked ?? [-by, -by];
      const to = Math.min(Math.max(last + by, 0), bars.length - 1);
      setPicked([event.shiftKey && picked ? first : to, to]);
    } else if (event.key === "Enter") apply();
    else if (event.key === "Escape") setPicked(null);
    else return;
    event.stopPropagation();
  };
  const chosen = (index: number) => picked !== null && index >= Math.min(...picked) && index <= Math.max(...picked);
  const bar = told === null ? undefined : bars[told];
  return (
    <>
      <div
        className="strip-bars"
        role="slider"
        tabIndex={0}
        aria-label={
          strip === "count"
            ? t("list.stripCount", { zone: zoneName(zone, Date.now()) })
            : t("list.stripOf", { of: t(`list.strips.${strip}`) })
        }
        aria-valuemin={0}
        aria-valuemax={Math.max(bars.length - 1, 0)}
        aria-valuenow={picked?.[1] ?? 0}
        aria-valuetext={bar && describe(bar)}
        onPointerDown={(event) => {
          if (event.button !== 0 || bars.length === 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          const index = under(event);
          setPicked([index, index]);
        }}
        onPointerMove={(event) => {
          if (bars.length === 0) return;
          const index = under(event);
          setHovered(index);
          if (event.currentTarget.hasPointerCapture(event.pointerId)) setPicked((now) => now && [now[0], index]);
        }}
        onPointerUp={apply}
        onPointerCancel={() => setPicked(null)}
        onPointerLeave={() => setHovered(null)}
        onKeyDown={onKey}
      >
        {bars.map((one, index) => (
          <span
            key={one.from}
            className={`strip-bar${chosen(index) ? " chosen" : ""}${index === hovered ? " hovered" : ""}`}
          >
            <i style={{ height: `${(one.traces / most) * 100}%` }}>
              {one.errors > 0 && <b style={{ height: `${(one.errors / one.traces) * 100}%` }} />}
            </i>
          </span>
        ))}
      </div>
      <div className="strip-axis faint">
        <span className="num">{bars[0] && write(bars[0].from)}</span>
        <span className="strip-told num" role="status">
          {bar && describe(bar)}
        </span>
        <span className="num">
          {bars.length > 0 && write((bars.at(-1) as Bar).to)}
          {strip === "count" && <span className="unit"> {zoneName(data.tz, Date.now())}</span>}
        </span>
      </div>
    </>
  );

  function describe(shown: Bar): string {
    const text = t("list.bar", { count: shown.traces, from: write(shown.from), to: write(shown.to) });
    return shown.errors > 0 ? `${text} · ${t("list.failed", { count: shown.errors })}` : text;
  }
}
