-- The starts of the buckets come from the caller, who knows the time zone and when its clocks change.
SELECT
  roundDown(started_us, {starts_us:Array(Int64)}) AS start_us,
  if(has({shown:Array(String)}, /*dimension*/ AS group_key), (1, group_key), (0, '')) AS shown_group,
/*latency*/,
/*totals*/
FROM charge_versions FINAL
WHERE project = {project:String} AND started_us >= {from_us:Int64} AND started_us < {to_us:Int64}
GROUP BY start_us, shown_group
ORDER BY start_us
