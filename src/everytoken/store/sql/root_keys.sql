-- Key columns alone need no merging: equal keys are the same run. Ordered like the sorting key, so that the newest are
-- read from the end of each part and the rest is never touched.
SELECT start_us, trace_id, run_id
FROM run_versions
WHERE project = {project:String} AND is_root = 1
  AND start_us >= {from_us:Int64} AND start_us < {to_us:Int64}
  AND start_us <= {cursor_us:Int64} AND (start_us, trace_id, run_id) < ({cursor_us:Int64}, {cursor_id:UUID}, {cursor_run:UUID})
ORDER BY start_us DESC, trace_id DESC, run_id DESC
LIMIT 1 BY run_id
LIMIT {limit:UInt64}
