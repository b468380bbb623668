SELECT
  trace_id,
  argMax(run_id, cost_usd) AS dearest_run_id,
  min(started_us) AS start_us,
/*totals*/
FROM charge_versions FINAL
WHERE project = {project:String} AND started_us >= {from_us:Int64} AND started_us < {to_us:Int64} AND node = {node:String}
GROUP BY trace_id
HAVING known_usd > 0
ORDER BY known_usd DESC, trace_id
LIMIT {limit:UInt64}
