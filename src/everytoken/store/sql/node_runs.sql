SELECT
  node,
  count() AS executions,
  countIf(status = 'error') AS errors,
  countIf(end_us IS NOT NULL) AS ended,
  quantilesExactIf(0.5, 0.95)((end_us - start_us) / 1000, end_us IS NOT NULL) AS durations_ms
FROM runs
WHERE project = {project:String} AND is_root IN (0, 1) AND start_us >= {from_us:Int64} AND start_us < {to_us:Int64}
  AND is_node AND node IS NOT NULL
GROUP BY node
ORDER BY executions DESC, node
LIMIT {limit:UInt64}
