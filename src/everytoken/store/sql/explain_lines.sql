-- The arithmetic of the priced charges, equal rates of one price as one row.
SELECT
  line.1 AS token_class, line.3 AS rate, line.4 AS per, entry, source,
  count() AS calls,
  sum(toDecimal64OrZero(line.2, 6)) AS counted,
  sum(toDecimal64OrZero(line.5, 12)) AS usd
FROM (
  SELECT
    toString(price_entry) AS entry, toString(price_source) AS source,
    arrayJoin(JSONExtract(cost_lines, 'Array(Tuple(String, String, String, UInt64, String))')) AS line
/*explained*/
    AND cost_usd IS NOT NULL AND cost_status IN ('priced', 'approximate')
)
GROUP BY token_class, rate, per, entry, source
ORDER BY usd DESC, entry, token_class, rate
LIMIT {limit:UInt64}
