-- Key columns alone.
SELECT project, count() AS runs, max(start_us) AS last_run_us
FROM run_versions FINAL
WHERE ({project:Nullable(String)} IS NULL OR project = {project:Nullable(String)})
  AND start_us >= {from_us:Int64} AND start_us < {to_us:Int64}
GROUP BY project
