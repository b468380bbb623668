SELECT
  trace_id,
  arraySort(groupUniqArrayIf(100)(if(response_model != '', response_model, request_model) AS model, model != '')) AS models,
  -- Of the call that ended last, or still streams: a trace streams its answer at its end.
  argMax(started_us + ttft_us, (started_us + ifNull(duration_us, 1000000000000000), started_us)) AS first_token_us,
/*totals*/
FROM charge_versions FINAL
WHERE project = {project:String} AND started_us >= {from_us:Int64} AND trace_id IN {trace_ids:Array(UUID)}
GROUP BY trace_id
