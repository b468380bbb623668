  countIf(status = 'error') AS errors,
  countIf(duration_us IS NOT NULL) AS ended,
  quantilesExactIf(0.5, 0.95)(duration_us / 1000, duration_us IS NOT NULL) AS durations_ms,
  countIf(ttft_us IS NOT NULL) AS begun,
  quantilesExactIf(0.5, 0.95)(ttft_us / 1000, ttft_us IS NOT NULL) AS ttfts_ms
