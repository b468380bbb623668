-- Money by class from the arithmetic of each charge.
SELECT
  roundDown(started_us, {starts_us:Array(Int64)}) AS start_us,
  tupleElement(arrayJoin(line_usds) AS line, 1) AS token_class,
  count() AS llm_calls,
  sum(tupleElement(line, 2)) AS known_usd
FROM charge_versions FINAL
WHERE project = {project:String} AND started_us >= {from_us:Int64} AND started_us < {to_us:Int64}
  AND cost_usd IS NOT NULL AND cost_status IN ('priced', 'approximate')
GROUP BY start_us, token_class
ORDER BY start_us
