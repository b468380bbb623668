SELECT
  run_id, trace_id, project, parent_run_id, name, run_type, start_us, end_us, first_token_us, status, error,
  dotted_order, tags, flags, metadata, input_preview, output_preview, version
  /*payload*/
FROM run_versions FINAL
WHERE project IN {projects:Array(String)} AND is_root IN (0, 1)
  AND start_us BETWEEN {first_us:Int64} AND {last_us:Int64}
  AND trace_id IN {trace_ids:Array(UUID)} AND run_id IN {run_ids:Array(UUID)}
ORDER BY version DESC
LIMIT 1 BY run_id
