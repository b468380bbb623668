-- Without a filter the key columns say it all, and need no merging: equal keys are the same run.
SELECT DISTINCT run_id, trace_id, project, start_us
FROM run_versions
WHERE project IN {projects:Array(String)} AND is_root IN {is_root:Array(UInt8)}
  AND start_us >= {from_us:Int64} AND start_us < {to_us:Int64}
  AND /*after*/
ORDER BY /*order*/
LIMIT {limit:UInt64}
