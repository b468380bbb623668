SELECT trace_id, uniqExact(run_id) AS runs
FROM run_versions
WHERE project = {project:String} AND is_root IN (0, 1) AND start_us >= {from_us:Int64} AND trace_id IN {trace_ids:Array(UUID)}
GROUP BY trace_id
