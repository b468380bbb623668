SELECT
  trace_id,
  arraySort(groupUniqArrayIf(100)(coalesce(response_model, request_model, ''), coalesce(response_model, request_model) IS NOT NULL)) AS models,
  any(thread_id) AS any_thread_id,
  any(user_id) AS any_user_id,
  min(started_us + ttft_us) AS first_token_us,
/*totals*/
FROM charges
WHERE project = {project:String} AND started_us >= {from_us:Int64} AND trace_id IN {trace_ids:Array(UUID)}
GROUP BY trace_id
