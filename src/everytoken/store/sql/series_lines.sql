-- Money by class from the arithmetic of each charge: [class, count, rate, per, usd].
-- Eighteen digits hold any line of one request; the sum is wider.
SELECT
  roundDown(started_us, {starts_us:Array(Int64)}) AS start_us,
  tupleElement(arrayJoin(JSONExtract(cost_lines, 'Array(Tuple(String, String, String, UInt64, String))')) AS line, 1) AS token_class,
  count() AS llm_calls,
  sum(toDecimal64OrNull(tupleElement(line, 5), 12)) AS known_usd
FROM charge_versions FINAL
WHERE project = {project:String} AND started_us >= {from_us:Int64} AND started_us < {to_us:Int64}
  AND cost_usd IS NOT NULL AND cost_status IN ('priced', 'approximate')
GROUP BY start_us, token_class
ORDER BY start_us
