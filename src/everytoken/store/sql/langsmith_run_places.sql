SELECT run_id, trace_id, project, start_us
FROM run_versions
WHERE run_id IN {run_ids:Array(UUID)}
ORDER BY version DESC
LIMIT 1 BY run_id
LIMIT {limit:UInt64}
