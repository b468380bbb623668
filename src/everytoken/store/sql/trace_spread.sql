SELECT
  count() AS traces,
  countIf(value IS NULL) AS unknown,
  countIf(value = 0) AS zeros,
  minIf(assumeNotNull(value), value > 0) AS least,
  maxIf(assumeNotNull(value), value IS NOT NULL) AS most,
  quantilesExactIf(0.5, 0.9, 0.95, 0.99)(assumeNotNull(value), value IS NOT NULL) AS marks,
  min(start_us) AS first_us,
  max(start_us) AS last_us
FROM (
  SELECT start_us, toInt64(/*value*/) AS value
/*traces_found*/
  WHERE /*where*/
)
