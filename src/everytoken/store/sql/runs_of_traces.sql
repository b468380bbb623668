SELECT DISTINCT run_id
FROM run_versions
WHERE trace_id IN {trace_ids:Array(UUID)} AND is_root IN (0, 1) AND project = {project:String}
ORDER BY run_id
LIMIT {limit:UInt64}
