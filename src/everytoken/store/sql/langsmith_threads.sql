SELECT
  thread,
  count() AS turns,
  min(start_us) AS first_us,
  max(start_us) AS last_us,
  max(if(end_us.1 > 0, end_us.2, NULL)) AS last_end_us,
  argMin(trace_id, start_us) AS first_trace,
  argMax(trace_id, start_us) AS last_trace,
  argMin(input_preview.2, start_us) AS first_input,
  argMax(output_preview.2, start_us) AS last_output,
  argMaxIf(error.2, start_us, error.2 != '') AS last_error,
  countIf(status.2 = 'error') AS errors,
  countIf(end_us.1 > 0) AS ended,
  quantilesExactIf(0.5, 0.99)((end_us.2 - start_us) / 1000000, end_us.1 > 0) AS latencies_s,
  groupArray(1000)(run_id) AS root_ids
FROM (
  SELECT *, /*thread*/ AS thread
  FROM run_versions FINAL
  WHERE project IN {projects:Array(String)} AND is_root = 1
    AND start_us >= {from_us:Int64} AND start_us < {to_us:Int64}
    AND /*where*/
)
WHERE thread != ''
GROUP BY thread
HAVING (last_us, thread) < ({cursor_us:Int64}, {cursor_thread:String})
ORDER BY last_us DESC, thread DESC
LIMIT {limit:UInt64} OFFSET {offset:UInt64}
