SELECT
  group_key,
  count() AS runs,
  countIf(status.2 = 'error') AS errors,
  countIf(end_us.1 > 0) AS ended,
  quantilesExactIf(0.5, 0.99)((end_us.2 - start_us) / 1000000, end_us.1 > 0) AS latencies_s,
  countIf(first_token_us.1 > 0) AS streamed,
  quantilesExactIf(0.5, 0.99)((first_token_us.2 - start_us) / 1000000, first_token_us.1 > 0) AS first_tokens_s,
  max(start_us) AS last_run_us
FROM (
  SELECT *, /*key*/ AS group_key
  FROM run_versions FINAL
  WHERE project IN {projects:Array(String)} AND is_root IN {is_root:Array(UInt8)}
    AND start_us >= {from_us:Int64} AND start_us < {to_us:Int64}
    AND /*where*/
)
GROUP BY group_key
ORDER BY runs DESC, group_key
LIMIT {max_groups:UInt64}
