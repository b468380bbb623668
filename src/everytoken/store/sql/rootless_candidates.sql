-- Traces with a run in the window and no root near it. Key columns alone, which need no merging.
SELECT DISTINCT trace_id
FROM run_versions
WHERE project = {project:String} AND is_root = 0 AND start_us >= {from_us:Int64} AND start_us < {to_us:Int64}
  AND trace_id NOT IN (
    SELECT trace_id FROM run_versions
    WHERE project = {project:String} AND is_root = 1
      AND start_us >= {roots_from_us:Int64} AND start_us < {roots_to_us:Int64}
  )
LIMIT {limit:UInt64}
