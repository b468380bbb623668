-- The starts of the buckets come from the caller, who knows the time zone and when its clocks change.
-- Grouped by the place among the groups shown, 0 for the rest: numbers cost less than texts.
SELECT
  roundDown(started_us, {starts_us:Array(Int64)}) AS start_us,
  indexOf({shown:Array(String)}, /*dimension*/) AS shown_at,
  (shown_at > 0, {shown:Array(String)}[shown_at]) AS shown_group,
/*latency*/,
/*totals*/
FROM charge_versions FINAL
WHERE project = {project:String} AND started_us >= {from_us:Int64} AND started_us < {to_us:Int64}
GROUP BY start_us, shown_at
ORDER BY start_us
