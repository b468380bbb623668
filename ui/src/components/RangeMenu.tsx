import { useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { useWords } from "../i18n/useWords";
import { clock, DEFAULT_RANGE, fieldOf, isPreset, momentsOf, RANGES, type Range, rangeOf } from "../model/time";
import { CheckIcon, ChevronIcon, ClockIcon } from "./icons";
import { Opens } from "./Opens";
import { useZone } from "./useZone";

/** The time range: a preset that moves with the clock, or two moments that stay. */
export function RangeMenu() {
  const t = useWords();
  const navigate = useNavigate();
  const range = useSearch({ strict: false, select: (search) => search.range }) ?? DEFAULT_RANGE;
  return (
    <Opens
      label={t("range.label")}
      className="quiet"
      opened="range"
      named
      trigger={
        <>
          <ClockIcon />
          <span className="sr-only">{t("range.label")}</span>
          <RangeName range={range} />
          <ChevronIcon />
        </>
      }
    >
      {(close) => (
        <RangeChoices
          range={range}
          onChoose={(next) => {
            close();
            void navigate({ to: ".", search: (now) => ({ ...now, range: next }) });
          }}
        />
      )}
    </Opens>
  );
}

function RangeChoices({ range, onChoose: choose }: { range: Range; onChoose: (range: Range) => void }) {
  const t = useWords();
  return (
    <>
      <ul>
        {RANGES.map((preset) => (
          <li key={preset}>
            <button type="button" aria-pressed={preset === range} onClick={() => choose(preset)}>
              <span className="menu-check">{preset === range && <CheckIcon />}</span>
              {t(`range.${preset}`)}
            </button>
          </li>
        ))}
      </ul>
      <Custom range={range} onChoose={choose} />
    </>
  );
}

function RangeName({ range }: { range: Range }) {
  const t = useWords();
  const zone = useZone();
  if (isPreset(range)) return <span>{t(`range.${range}`)}</span>;
  const moments = momentsOf(range);
  const text = (ms: number) => clock(ms * 1_000, Date.now(), zone).replace(/:\d\d$/, "");
  return <span className="num ellipsis">{moments && `${text(moments.fromMs)} – ${text(moments.toMs)}`}</span>;
}

const DAY_MS = 86_400_000;

function Custom({ range, onChoose }: { range: Range; onChoose: (range: Range) => void }) {
  const t = useWords();
  const moments = momentsOf(range);
  const [from, setFrom] = useState(fieldOf(moments?.fromMs ?? Date.now() - DAY_MS));
  const [to, setTo] = useState(fieldOf(moments?.toMs ?? Date.now()));
  const [fromMs, toMs] = [new Date(from).getTime(), new Date(to).getTime()];
  const valid = fromMs < toMs;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (valid) onChoose(rangeOf(fromMs, toMs));
  };
  return (
    <form className="custom-range" onSubmit={submit}>
      <label>
        {t("range.from")}
        <input type="datetime-local" value={from} onChange={(event) => setFrom(event.target.value)} />
      </label>
      <label>
        {t("range.to")}
        <input type="datetime-local" value={to} onChange={(event) => setTo(event.target.value)} />
      </label>
      <button type="submit" className="button" disabled={!valid}>
        {t("range.apply")}
      </button>
    </form>
  );
}
