SELECT
  call_path,
  min(started_us) AS first_us,
  max(started_us) AS last_us,
/*totals*/
FROM charge_versions FINAL
WHERE project = {project:String} AND started_us >= {from_us:Int64} AND started_us < {to_us:Int64}
GROUP BY call_path
ORDER BY call_path
LIMIT {limit:UInt64}
