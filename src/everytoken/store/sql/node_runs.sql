SELECT
  node.2 AS node_name,
  count() AS executions,
  countIf(status.2 = 'error') AS errors,
  countIf(end_us.1 > 0) AS ended,
  quantilesExactIf(0.5, 0.95)((end_us.2 - start_us) / 1000, end_us.1 > 0) AS durations_ms
FROM run_versions FINAL
WHERE project = {project:String} AND is_root IN (0, 1) AND start_us >= {from_us:Int64} AND start_us < {to_us:Int64}
  AND is_node.2 = 1 AND node.2 != ''
GROUP BY node_name
ORDER BY executions DESC, node_name
LIMIT {limit:UInt64}
