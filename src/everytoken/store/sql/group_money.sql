-- What two windows are compared by: no percentile, no set.
SELECT
/*dimension*/ AS group_key,
  count() AS llm_calls,
  countIf(cost_usd IS NOT NULL AND cost_status IN ('priced', 'approximate')) AS priced_calls,
  sumIf(cost_usd, cost_status IN ('priced', 'approximate')) AS known_usd
FROM charge_versions FINAL
WHERE project = {project:String} AND started_us >= {from_us:Int64} AND started_us < {to_us:Int64}
GROUP BY group_key
ORDER BY known_usd DESC, llm_calls DESC, group_key
LIMIT {limit:UInt64}
