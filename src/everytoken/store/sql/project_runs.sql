SELECT
  project,
  count() AS runs,
  countIf(is_root) AS traces,
  countIf(is_root AND status = 'error') AS errors,
  countIf(is_root AND end_us IS NOT NULL) AS ended,
  quantilesExactIf(0.5, 0.95)((end_us - start_us) / 1000, is_root AND end_us IS NOT NULL) AS durations_ms,
  max(start_us) AS last_run_us
FROM runs
WHERE ({project:Nullable(String)} IS NULL OR project = {project:Nullable(String)})
  AND start_us >= {from_us:Int64} AND start_us < {to_us:Int64}
GROUP BY project
