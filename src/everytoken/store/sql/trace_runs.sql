-- A run whose place was corrected has two sorting keys: the later version is the run.
-- Ids as text: to make it from 10,000 of them costs this process more than the engine.
SELECT * REPLACE (
  toString(run_id) AS run_id, toString(trace_id) AS trace_id, toString(parent_run_id) AS parent_run_id)
FROM (
  SELECT
    run_id, trace_id, project, parent_run_id, name, run_type, start_us, end_us, first_token_us, status, error,
    dotted_order, tags, flags, metadata, route, input_preview, output_preview
  FROM run_versions FINAL
  WHERE trace_id = {trace_id:UUID} AND is_root IN (0, 1) AND project IN {projects:Array(String)}
    AND start_us BETWEEN {first_us:Int64} AND {last_us:Int64}
  ORDER BY version DESC
  LIMIT 1 BY run_id
  LIMIT {limit:UInt64}
)
