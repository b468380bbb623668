SELECT
  provider,
  if(response_model != '', response_model, request_model) AS model,
  countIf(status = 'error') AS errors,
  countIf(duration_us IS NOT NULL) AS ended,
  quantilesExactIf(0.5, 0.95)(duration_us / 1000, duration_us IS NOT NULL) AS durations_ms,
  countIf(ttft_us IS NOT NULL) AS begun,
  quantilesExactIf(0.5)(ttft_us / 1000, ttft_us IS NOT NULL) AS ttfts_ms,
/*totals*/
FROM charge_versions FINAL
WHERE project = {project:String} AND started_us >= {from_us:Int64} AND started_us < {to_us:Int64}
GROUP BY provider, model
ORDER BY known_usd DESC, llm_calls DESC, model, provider
LIMIT {limit:UInt64}
