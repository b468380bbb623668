-- Runs of which this is the id or the trace's id.
SELECT run_id, trace_id, project, start_us, name.2 AS run_name, run_type.2 AS type, status.2 AS state
FROM run_versions FINAL
WHERE project IN {projects:Array(String)} AND is_root IN (0, 1) AND (run_id = {id:UUID} OR trace_id = {id:UUID})
ORDER BY run_id = {id:UUID} DESC, start_us, run_id
LIMIT 1
