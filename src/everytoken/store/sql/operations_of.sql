-- Traces that servers told each other of and that have runs in this project: all of them, or of those given.
SELECT DISTINCT trace_id
FROM operations
WHERE trace_id > {after:UUID} AND trace_id IN (
  SELECT trace_id FROM run_versions
  WHERE project = {project:String} AND is_root IN (0, 1)
    AND (empty({trace_ids:Array(UUID)}) OR trace_id IN {trace_ids:Array(UUID)})
)
ORDER BY trace_id
LIMIT {limit:UInt64}
