import { useId, useMemo } from "react";
import { useWords } from "../i18n/useWords";
import { count } from "../model/format";
import { type Flag, flagsOf, type ReleaseMark } from "../model/releases";
import { Cost } from "./Figures";
import { Clock } from "./Moment";

/** Room that a flag takes: a version, or the count of several. */
const LEAST_PX = 76;
const SHOWN = 8;

/** Where the marks of a chart are, in pixels from its left edge, and how wide it is. */
export type Places = { readonly xs: readonly number[]; readonly width: number };

/** What stands at the lines that begin a release. Hover or focus tells which, since when, and what it spent since. */
export function ReleaseFlags({ marks, places }: { marks: readonly ReleaseMark[]; places: Places }) {
  const t = useWords();
  const flags = useMemo(() => flagsOf(marks, places.xs, LEAST_PX), [marks, places]);
  return (
    <ul className="flags" aria-label={t("releases.marks")}>
      {flags.map((flag) => (
        <Pole key={flag.releases[0]?.release} flag={flag} width={places.width} />
      ))}
    </ul>
  );
}

function Pole({ flag: { x, releases }, width }: { flag: Flag; width: number }) {
  const t = useWords();
  const id = useId();
  const [first] = releases;
  const side = x > width / 2 ? " left" : "";
  return (
    <li className={`flag${side}${x > width - LEAST_PX ? " end" : ""}`} style={{ left: `${x}px` }}>
      <button type="button" className="ellipsis" aria-describedby={id}>
        {releases.length === 1 ? first?.release : t("releases.count", { count: releases.length })}
      </button>
      <div role="tooltip" id={id} className="flag-tip">
        {releases.slice(0, SHOWN).map((row) => (
          <p key={row.release}>
            <strong>{row.release}</strong>{" "}
            <span className="muted">
              {t("releases.first")} <Clock us={row.first_us} /> ·{" "}
              {t("releases.calls", { count: row.llm_calls, calls: count(row.llm_calls) })} ·{" "}
            </span>
            <Cost totals={row} />
          </p>
        ))}
        {releases.length > SHOWN && <p className="muted">{t("releases.more", { count: releases.length - SHOWN })}</p>}
      </div>
    </li>
  );
}
