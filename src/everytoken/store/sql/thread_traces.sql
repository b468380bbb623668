SELECT trace_id, min(started_us) AS first_us, max(started_us) AS last_us
FROM charge_versions FINAL
WHERE project = {project:String} AND thread_id = {thread_id:String}
GROUP BY trace_id
ORDER BY first_us, trace_id
LIMIT {limit:UInt64}
