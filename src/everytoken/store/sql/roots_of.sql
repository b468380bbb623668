-- Conditions on the sorting key first, which all versions of a row share: the wide columns are read of wanted rows alone.
-- Told here and not for every read: where no other column is read, the engine (26.9) fails on it.
SELECT
  trace_id, run_id, name, status, start_us, end_us, first_token_us, error, tags, metadata, input_preview, output_preview
FROM run_versions FINAL
WHERE project = {project:String} AND is_root = 1
  AND start_us BETWEEN {first_us:Int64} AND {last_us:Int64} AND trace_id IN {trace_ids:Array(UUID)}
ORDER BY start_us, trace_id
LIMIT 1 BY trace_id
SETTINGS optimize_move_to_prewhere_if_final = 1
