/** Figures as everywhere: the number, its muted unit, the full value on hover, and its quality before it. */

import type { Totals } from "../api/schema";
import { useWords } from "../i18n/useWords";
import { duration, type Figure, money, moneyIn, percent, tokens } from "../model/format";
import { exactShare, knownCost, markOf, type Quality } from "../model/quality";

export function Num({ figure }: { figure: Figure }) {
  return (
    <span className="num" title={figure.full}>
      {figure.value}
      {figure.unit && <span className="unit"> {figure.unit}</span>}
    </span>
  );
}

export const Unknown = () => <span className="num faint">—</span>;

export function Tokens({ value }: { value: number }) {
  return <Num figure={tokens(value)} />;
}

/** The tokens of a row; not 0 where none of its calls said how many. */
export function TokenSum({ totals }: { totals: Totals }) {
  const silent = totals.llm_calls > 0 && totals.quality.missing === totals.llm_calls;
  return silent ? <Unknown /> : <Tokens value={totals.total_tokens} />;
}

export function Duration({ ms }: { ms: number | null }) {
  return ms === null ? <Unknown /> : <Num figure={duration(ms)} />;
}

const MARKS: Record<Quality, string> = { exact: "●", partial: "◐", estimated: "◌", missing: "—" };

/** The mark before a number that is not plainly exact; exact ones are marked in detail views (`all`) alone. */
export function Mark({ quality, all = false }: { quality: Quality | null; all?: boolean }) {
  const t = useWords();
  if (quality === null || (quality === "exact" && !all)) return null;
  const label = `${t(`quality.${quality}`)}: ${t(`quality.help.${quality}`)}`;
  return (
    <span className={`mark ${quality}`} title={label} role="img" aria-label={label}>
      {MARKS[quality]}
    </span>
  );
}

type CostProps = {
  totals: Totals;
  /** Places of a column, so that it aligns; without it the figure stands alone. */
  decimals?: number;
  /** Every digit. */
  full?: boolean;
  /** A `QualityNote` beside it already says what has no price. */
  noted?: boolean;
  /** Still running: what is not known yet is no fault. */
  pending?: boolean;
};

/** Money of a row: what is known, its quality, and a tag for what has no price. */
export function Cost({ totals, decimals, full = false, noted = false, pending = false }: CostProps) {
  const t = useWords();
  const known = knownCost(totals);
  if (known.kind === "none") return <span className="num faint">·</span>;
  const tag = known.unpriced > 0 && !noted && !pending && (
    <span className="tag outlined" title={t("quality.unpricedCount", { count: known.unpriced })}>
      {t("quality.unpriced")}
    </span>
  );
  if (pending && known.kind === "unknown") return <span className="num faint">…</span>;
  if (known.kind === "unknown") return noted ? <Unknown /> : <span className="cost">{tag}</span>;
  const figure = decimals === undefined ? money(known.usd) : moneyIn(known.usd, decimals);
  const quality = pending ? null : markOf(totals);
  return (
    <span className={`cost ${quality === "estimated" ? "estimated" : ""}`}>
      {tag}
      <Mark quality={quality} all={full} />
      {noted && !pending && known.unpriced > 0 && (
        <span className="muted" title={t("quality.unpricedCount", { count: known.unpriced })}>
          ≥
        </span>
      )}
      <Num figure={full ? { ...figure, value: figure.full } : figure} />
      {pending && <span className="faint">…</span>}
    </span>
  );
}

/** Beneath a total: "99.2 % exact" with the split on hover, and how many calls have no price. */
export function QualityNote({ totals, pending = false }: { totals: Totals; pending?: boolean }) {
  const t = useWords();
  const share = exactShare(totals);
  if (share === null) return null;
  if (pending) return <span className="muted">{t("quality.soFar")}</span>;
  return (
    <span className="quality-note">
      <span className={share === 1 ? "muted" : "warn"} title={t("quality.split", totals.quality)}>
        {t("quality.exactShare", { share: percent(share) })}
      </span>
      {totals.unpriced_calls > 0 && (
        <span className="tag outlined">{t("quality.unpricedCount", { count: totals.unpriced_calls })}</span>
      )}
    </span>
  );
}
