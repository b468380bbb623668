-- A run whose start or parent was corrected late has two sorting keys: the later version is the run.
SELECT
  run_id, trace_id, project, parent_run_id, name, run_type, start_us, end_us, first_token_us, status, error,
  dotted_order, tags, flags, metadata, extra, inputs, outputs, events, node, is_node, input_preview, output_preview
FROM runs
WHERE trace_id = {trace_id:UUID} AND is_root IN (0, 1) AND ({project:Nullable(String)} IS NULL OR project = {project:Nullable(String)})
ORDER BY version DESC
LIMIT 1 BY run_id
LIMIT {limit:UInt64}
