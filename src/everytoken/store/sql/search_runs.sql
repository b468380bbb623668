-- One slice of time. A snippet is cut around the first occurrence; the text of inputs and outputs is JSON.
SELECT
  run_id, trace_id, project, start_us, is_root,
  name.2 AS run_name, run_type.2 AS type, status.2 AS state, error.2 AS error_text,
  positionCaseInsensitiveUTF8(name.2, {text:String}) AS in_name,
  positionCaseInsensitiveUTF8(error.2, {text:String}) AS in_error,
  positionCaseInsensitiveUTF8(inputs.2, {quoted:String}) AS in_inputs,
  positionCaseInsensitiveUTF8(outputs.2, {quoted:String}) AS in_outputs,
  positionCaseInsensitiveUTF8(metadata.2, {quoted:String}) AS in_metadata,
  multiIf(
    in_name > 0, substringUTF8(name.2, greatest(in_name - {before:Int64}, 1), {chars:UInt64}),
    in_inputs > 0, substringUTF8(inputs.2, greatest(in_inputs - {before:Int64}, 1), {chars:UInt64}),
    in_outputs > 0, substringUTF8(outputs.2, greatest(in_outputs - {before:Int64}, 1), {chars:UInt64}),
    in_error > 0, substringUTF8(error.2, greatest(in_error - {before:Int64}, 1), {chars:UInt64}),
    substringUTF8(metadata.2, greatest(in_metadata - {before:Int64}, 1), {chars:UInt64})
  ) AS snippet
FROM run_versions FINAL
WHERE project IN {projects:Array(String)} AND is_root IN (0, 1)
  AND start_us >= {from_us:Int64} AND start_us < {to_us:Int64}
  AND (start_us, run_id) < ({after_us:Int64}, {after_run:UUID})
  AND (in_name > 0 OR in_error > 0 OR in_inputs > 0 OR in_outputs > 0 OR in_metadata > 0)
ORDER BY start_us DESC, run_id DESC
LIMIT {limit:UInt64}
