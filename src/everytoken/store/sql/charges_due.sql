SELECT toInt64(floor((started_us - {monday_us:Int64}) / {week_us:Int64})) AS week, count() AS found
FROM charge_versions
WHERE project = {project:String} AND started_us < {before_us:Int64}
GROUP BY week
ORDER BY week
LIMIT {limit:UInt64}
