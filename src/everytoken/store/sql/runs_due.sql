SELECT toInt64(floor((start_us - {monday_us:Int64}) / {week_us:Int64})) AS week, count() AS found
FROM run_versions
WHERE project = {project:String} AND is_root IN (0, 1) AND start_us < {before_us:Int64}
GROUP BY week
ORDER BY week
LIMIT {limit:UInt64}
