SELECT
  roundDown(start_us, {starts_us:Array(Int64)}) AS bucket_us,
  count() AS traces,
  countIf(status.2 = 'error') AS errors
/*traces_found*/
WHERE /*where*/
GROUP BY bucket_us
ORDER BY bucket_us
