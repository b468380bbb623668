SELECT
  project,
/*totals*/
FROM charge_versions FINAL
WHERE ({project:Nullable(String)} IS NULL OR project = {project:Nullable(String)})
  AND started_us >= {from_us:Int64} AND started_us < {to_us:Int64}
GROUP BY project
