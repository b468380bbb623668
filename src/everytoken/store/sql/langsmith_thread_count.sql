SELECT uniqExactIf(thread, thread != '') AS threads
FROM (
  SELECT /*thread*/ AS thread
  FROM run_versions FINAL
  WHERE project IN {projects:Array(String)} AND is_root = 1
    AND start_us >= {from_us:Int64} AND start_us < {to_us:Int64}
    AND /*where*/
)
