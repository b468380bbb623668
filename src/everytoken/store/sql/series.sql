-- The starts of the buckets come from the caller, who knows the time zone and when its clocks change.
SELECT
  roundDown(started_us, {starts_us:Array(Int64)}) AS start_us,
/*dimension*/,
  has({shown:Array(String)}, group_key) AS is_shown,
  if(is_shown, group_key, '') AS shown_key,
/*latency*/,
/*totals*/
FROM charge_versions FINAL
WHERE project = {project:String} AND started_us >= {from_us:Int64} AND started_us < {to_us:Int64}
GROUP BY start_us, is_shown, shown_key
ORDER BY start_us
