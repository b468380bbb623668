import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { windowsQuery } from "../../api/queries";
import type { Contributions, CostParts } from "../../api/schema";
import { Explained } from "../../components/Explain";
import { Switch } from "../../components/Panel";
import { Ranked, Sentence } from "../../components/Ranked";
import { Empty, Failed, SkeletonRows } from "../../components/States";
import { useZone } from "../../components/useZone";
import { useWords } from "../../i18n/useWords";
import { count, money, moneyFull } from "../../model/format";
import { clock, DEFAULT_RANGE, fieldOf, type Range, rangeOf } from "../../model/time";
import { CAUSES } from "../../router";

const FROM = "/projects/$project/compare";

/** The chosen range against an earlier window: of the same length just before, or any other. */
export function Windows({ project }: { project: string }) {
  const t = useWords();
  const navigate = useNavigate();
  const { range = DEFAULT_RANGE, before, by = "node" } = useSearch({ from: FROM });
  const asked = useQuery(windowsQuery(project, range, before, by));
  if (range === "all") return <Empty title={t("compare.noAll")} text={t("overview.noBefore")} />;
  const { data, error, refetch } = asked;
  const rows = data?.groups.filter((row) => row.before.llm_calls > 0 || row.after.llm_calls > 0) ?? [];
  return (
    <>
      {data && <Both data={data} before={before} />}
      <div className="graph-bar">
        <span className="muted">{t("overview.splitBy")}</span>
        <Switch
          label={t("overview.splitBy")}
          value={by}
          choices={CAUSES.map((value) => ({ value, label: t(`overview.by.${value}`) }))}
          onChoose={(next) => void navigate({ to: ".", replace: true, search: (now) => ({ ...now, by: next }) })}
        />
      </div>
      {!data && error && <Failed error={error} retry={() => void refetch()} />}
      {!data && !error && <SkeletonRows count={6} />}
      {data && rows.length === 0 && <Empty title={t("empty.calls")} text={t("empty.callsText")} />}
      {data && rows.length > 0 && (
        <>
          <Sentence total={data.total} />
          <Ranked rows={rows} />
        </>
      )}
    </>
  );
}

/** Both windows with their sums; the earlier one may be moved. */
function Both({ data, before }: { data: Contributions; before: Range | undefined }) {
  const t = useWords();
  const navigate = useNavigate();
  const choose = (next: Range | undefined) =>
    void navigate({
      to: ".",
      replace: true,
      search: ({ before: _, ...rest }) => (next === undefined ? rest : { ...rest, before: next }),
    });
  return (
    <div className="compare-sides">
      <Side name={t("compare.before")} from={data.before_from_us} to={data.before_to_us} parts={data.total.before}>
        <Mover from={data.before_from_us} to={data.before_to_us} onChoose={choose} />
        {before !== undefined && (
          <button type="button" className="quiet small" onClick={() => choose(undefined)}>
            {t("compare.justBefore")}
          </button>
        )}
      </Side>
      <Side name={t("compare.after")} from={data.from_us} to={data.to_us} parts={data.total.after} />
    </div>
  );
}

type SideProps = { name: string; from: number; to: number; parts: CostParts; children?: React.ReactNode };

function Side({ name, from, to, parts, children }: SideProps) {
  const t = useWords();
  const zone = useZone();
  const text = (us: number) => clock(us, Date.now(), zone).replace(/:\d\d$/, "");
  return (
    <section className="compare-side" aria-label={name}>
      <header>
        <span className="chip plain">{name}</span>
        <span className="num muted">
          {text(from)} – {text(to)}
        </span>
      </header>
      <p className="compare-facts">
        <Explained cell={{ range: rangeOf(from / 1_000, to / 1_000) }}>
          <strong className="num" title={moneyFull(parts.cost_known_usd)}>
            {money(parts.cost_known_usd).value}
          </strong>
        </Explained>
        <span>
          <span className="num">{count(parts.llm_calls)}</span> <span className="muted">{t("count.llmCalls")}</span>
        </span>
        {parts.per_call_usd !== null && (
          <span>
            <span className="num">{money(parts.per_call_usd).value}</span>{" "}
            <span className="muted">{t("overview.unit").toLowerCase()}</span>
          </span>
        )}
        {parts.priced_calls < parts.llm_calls && (
          <span className="tag outlined">
            {t("quality.unpricedCount", { count: parts.llm_calls - parts.priced_calls })}
          </span>
        )}
      </p>
      {children}
    </section>
  );
}

function Mover({ from, to, onChoose }: { from: number; to: number; onChoose: (range: Range) => void }) {
  const t = useWords();
  const [start, setStart] = useState(fieldOf(from / 1_000));
  const [end, setEnd] = useState(fieldOf(to / 1_000));
  const [fromMs, toMs] = [new Date(start).getTime(), new Date(end).getTime()];
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (fromMs < toMs) onChoose(rangeOf(fromMs, toMs));
  };
  return (
    <form className="mover" onSubmit={submit}>
      <label>
        {t("range.from")}
        <input type="datetime-local" value={start} onChange={(event) => setStart(event.target.value)} />
      </label>
      <label>
        {t("range.to")}
        <input type="datetime-local" value={end} onChange={(event) => setEnd(event.target.value)} />
      </label>
      <button type="submit" className="button" disabled={!(fromMs < toMs)}>
        {t("range.apply")}
      </button>
    </form>
  );
}
