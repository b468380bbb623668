/** "Explain this number": the arithmetic behind a cost, merged over the charges it is the sum of. */

import type { ChargeRow } from "../api/schema";
import { rescaleRate, sumDecimals } from "./decimal";

const MTOK = 1_000_000;

export type Term = {
  readonly tokenClass: string;
  readonly count: string;
  /** Price of `per` units; tokens are restated per million. */
  readonly rateUsd: string;
  readonly per: number;
  readonly usd: string;
  readonly entry: string | null;
  readonly source: string | null;
};

export type Explanation = {
  readonly terms: readonly Term[];
  /** Exact sum of the terms. */
  readonly usd: string;
  readonly priced: readonly ChargeRow[];
  readonly unpriced: readonly ChargeRow[];
};

/** Terms with the same class and price are one line; lines keep the order in which their class first appears. */
export function explain(charges: readonly ChargeRow[]): Explanation {
  const groups = new Map<string, Term[]>();
  for (const charge of charges) {
    for (const line of charge.cost_lines) {
      const tokenPrice = line.per > 1;
      const term: Term = {
        tokenClass: line.token_class,
        count: line.count,
        rateUsd: tokenPrice ? rescaleRate(line.rate_usd, line.per, MTOK) : line.rate_usd,
        per: tokenPrice ? MTOK : 1,
        usd: line.usd,
        entry: charge.price_entry,
        source: charge.price_source,
      };
      const key = [term.tokenClass, term.rateUsd, term.per, term.entry, term.source].join("|");
      groups.set(key, [...(groups.get(key) ?? []), term]);
    }
  }
  const terms = [...groups.values()].map((group) => ({
    ...(group[0] as Term),
    count: sumDecimals(group.map((term) => term.count)),
    usd: sumDecimals(group.map((term) => term.usd)),
  }));
  return {
    terms,
    usd: sumDecimals(terms.map((term) => term.usd)),
    priced: charges.filter((charge) => charge.cost_usd !== null),
    unpriced: charges.filter((charge) => charge.cost_usd === null),
  };
}
