SELECT DISTINCT trace_id
FROM (
  SELECT trace_id FROM charge_versions WHERE project = {project:String} AND user_id = {user:String}
  UNION ALL
  SELECT trace_id FROM run_versions
  WHERE project = {project:String} AND is_root IN (0, 1)
    AND arrayExists(key -> JSONExtractString(metadata.2, key) = {user:String}, {keys:Array(String)})
)
ORDER BY trace_id
LIMIT {limit:UInt64}
