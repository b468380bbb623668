SELECT project, trace_id, charge_key, started_us, status != 'pending' AS has_ended
FROM charge_versions FINAL
WHERE trace_id = {trace_id:UUID}
  AND ({project:Nullable(String)} IS NULL OR project = {project:Nullable(String)})
ORDER BY started_us, charge_key
LIMIT {limit:UInt64}
