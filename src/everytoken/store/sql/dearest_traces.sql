SELECT
  trace_id,
  min(started_us) AS first_us,
  max(started_us) AS last_us,
  argMax(run_id, cost_usd) AS dearest_run_id,
  argMax(node, cost_usd) AS dearest_node,
  sumIf(cost_usd, cost_status IN ('priced', 'approximate')) AS known_usd
FROM charge_versions FINAL
WHERE project = {project:String} AND started_us >= {from_us:Int64} AND started_us < {to_us:Int64}
GROUP BY trace_id
HAVING known_usd > 0
ORDER BY known_usd DESC, trace_id
LIMIT {limit:UInt64}
