SELECT
  project,
  count() AS traces,
  countIf(status.2 = 'error') AS errors,
  countIf(end_us.1 > 0) AS ended,
  quantilesExactIf(0.5, 0.95)((end_us.2 - start_us) / 1000, end_us.1 > 0) AS durations_ms
FROM run_versions FINAL
WHERE ({project:Nullable(String)} IS NULL OR project = {project:Nullable(String)})
  AND is_root = 1
  AND start_us >= {from_us:Int64} AND start_us < {to_us:Int64}
GROUP BY project
