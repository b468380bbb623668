SELECT run_id, trace_id, project, inputs, outputs, metadata, extra, events, error, tags
FROM run_versions FINAL
WHERE trace_id = {trace_id:UUID} AND run_id = {run_id:UUID} AND is_root IN (0, 1) AND project IN {projects:Array(String)}
  AND start_us BETWEEN {first_us:Int64} AND {last_us:Int64}
ORDER BY version DESC
LIMIT 1
