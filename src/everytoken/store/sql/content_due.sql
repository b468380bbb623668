-- Weeks in which a project has content older than its retention; a week is a partition, and one change.
SELECT toInt64(floor((start_us - {monday_us:Int64}) / {week_us:Int64})) AS week, count() AS found
FROM run_versions
WHERE project = {project:String} AND is_root IN (0, 1) AND start_us < {before_us:Int64}
  AND (NOT has(flags.2, 'content_dropped') OR greatest(inputs.1, outputs.1, events.1, extra.1, input_preview.1, output_preview.1) > 0)
GROUP BY week
ORDER BY week
LIMIT {limit:UInt64}
