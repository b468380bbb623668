-- The keys of one page of runs. The filter stands in the place of its mark, made of columns and placeholders alone.
SELECT run_id, trace_id, project, start_us
FROM run_versions FINAL
WHERE project IN {projects:Array(String)} AND is_root IN {is_root:Array(UInt8)}
  AND start_us >= {from_us:Int64} AND start_us < {to_us:Int64}
  AND /*after*/
  AND /*where*/
ORDER BY /*order*/
LIMIT {limit:UInt64}
