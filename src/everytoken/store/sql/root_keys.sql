SELECT run_id, start_us
FROM run_versions FINAL
WHERE project = {project:String} AND is_root = 1
  AND start_us >= {from_us:Int64} AND start_us < {to_us:Int64}
  AND start_us <= {cursor_us:Int64} AND (start_us, run_id) < ({cursor_us:Int64}, {cursor_id:UUID})
ORDER BY start_us DESC, run_id DESC
LIMIT {limit:UInt64}
