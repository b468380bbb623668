-- Of the runs that feedback was given on, those that were chosen, with their groups.
SELECT run_id, /*key*/ AS group_key
FROM run_versions FINAL
WHERE project IN {projects:Array(String)} AND is_root IN {is_root:Array(UInt8)}
  AND start_us >= {from_us:Int64} AND start_us < {to_us:Int64}
  AND run_id IN {told:Array(UUID)}
  AND /*where*/
