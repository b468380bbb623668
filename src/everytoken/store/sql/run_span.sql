SELECT count() AS runs, min(start_us) AS first_us, max(start_us) AS last_us
FROM run_versions
WHERE project IN {projects:Array(String)} AND is_root IN (0, 1)
  AND start_us >= {from_us:Int64} AND start_us < {to_us:Int64}
