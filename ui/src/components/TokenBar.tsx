import type { Totals } from "../api/schema";
import { useWords } from "../i18n/useWords";
import { slices } from "../model/classes";
import { count } from "../model/format";

/** Tokens by class as one bar; `most` is the count that fills it, so that rows compare. */
export function TokenBar({ totals, most }: { totals: Totals; most: number }) {
  const t = useWords();
  const parts = slices(totals);
  if (parts.length === 0) return null;
  const label = parts.map((part) => `${t(`tokenClass.${part.tokenClass}`)} ${count(part.tokens)}`).join(" · ");
  return (
    <span className="token-bar" role="img" aria-label={label} title={label}>
      {parts.map((part) => (
        <i
          key={part.tokenClass}
          className={`tc-${part.tokenClass}`}
          style={{ width: `${(part.tokens / Math.max(most, 1)) * 100}%` }}
        />
      ))}
    </span>
  );
}
