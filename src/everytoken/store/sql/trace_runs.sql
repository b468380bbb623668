-- A run whose place was corrected has two sorting keys: the later version is the run. Of the outputs only what tells
-- the graph's edges is read: a routing function's short answer, or where a node's Command goes.
SELECT
  run_id, trace_id, project, parent_run_id, name, run_type, start_us, end_us, first_token_us, status, error,
  dotted_order, tags, flags, metadata,
  multiIf(
    length(outputs) <= 2048, outputs,
    JSONHas(outputs, 'output', 'goto'), concat('{"output":{"goto":', JSONExtractRaw(outputs, 'output', 'goto'), '}}'),
    ''
  ) AS short_outputs,
  input_preview, output_preview
FROM runs
WHERE trace_id = {trace_id:UUID} AND is_root IN (0, 1)
  AND ({project:Nullable(String)} IS NULL OR project = {project:Nullable(String)})
ORDER BY version DESC
LIMIT 1 BY run_id
LIMIT {limit:UInt64}
