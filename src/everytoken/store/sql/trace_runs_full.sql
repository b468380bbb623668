SELECT *
FROM runs
WHERE trace_id = {trace_id:UUID} AND is_root IN (0, 1)
  AND ({project:Nullable(String)} IS NULL OR project = {project:Nullable(String)})
ORDER BY version DESC
LIMIT 1 BY run_id
LIMIT {limit:UInt64}
