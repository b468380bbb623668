SELECT run_id, any(trace_id) AS trace_id
FROM operations
WHERE run_id IN {run_ids:Array(UUID)}
GROUP BY run_id
