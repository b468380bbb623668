-- The charges of one value of a dimension on an even grid of time: any number of instants in one scan.
SELECT
  {from_us:Int64} + intDiv(started_us - {from_us:Int64}, {step_us:Int64}) * {step_us:Int64} AS start_us,
/*latency*/,
/*totals*/
FROM charge_versions FINAL
WHERE project = {project:String} AND started_us >= {from_us:Int64} AND started_us < {to_us:Int64}
  AND (/*dimension*/) = {key:String}
GROUP BY start_us
ORDER BY start_us
