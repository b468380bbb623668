SELECT
  node,
/*totals*/
FROM charge_versions FINAL
WHERE project = {project:String} AND started_us >= {from_us:Int64} AND started_us < {to_us:Int64}
GROUP BY node
ORDER BY known_usd DESC, llm_calls DESC
LIMIT {limit:UInt64}
