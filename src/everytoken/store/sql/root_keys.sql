-- Key columns alone, every version of them: ordered like the sorting key and bounded here, so that the newest are read
-- from the end of each part and the rest is never touched. To tell equal keys apart is the caller's.
SELECT start_us, trace_id, run_id
FROM run_versions
WHERE project = {project:String} AND is_root = 1
  AND start_us >= {from_us:Int64} AND start_us < {to_us:Int64}
  AND start_us <= {cursor_us:Int64} AND (start_us, trace_id, run_id) < ({cursor_us:Int64}, {cursor_id:UUID}, {cursor_run:UUID})
ORDER BY start_us DESC, trace_id DESC, run_id DESC
LIMIT {limit:UInt64}
