SELECT project, trace_id, charge_key, started_us, status != 'pending' AS has_ended
FROM charge_versions FINAL
WHERE trace_id IN {trace_ids:Array(UUID)} AND (trace_id, project, charge_key, started_us) > ({after_trace:UUID}, {after_project:String}, {after_key:String}, {after_us:Int64})
ORDER BY trace_id, project, charge_key, started_us
LIMIT {limit:UInt64}
