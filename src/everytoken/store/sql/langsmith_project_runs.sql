SELECT
  project,
  count() AS runs,
  countIf(status.2 = 'error') AS errors,
  countIf(end_us.1 > 0) AS ended,
  quantilesExactIf(0.5, 0.99)((end_us.2 - start_us) / 1000000, end_us.1 > 0) AS latencies_s,
  countIf(first_token_us.1 > 0) AS streamed,
  quantilesExactIf(0.5, 0.99)((first_token_us.2 - start_us) / 1000000, first_token_us.1 > 0) AS first_tokens_s,
  max(start_us) AS last_run_us
FROM run_versions FINAL
WHERE project IN {projects:Array(String)} AND is_root = 1 AND start_us >= {from_us:Int64}
GROUP BY project
