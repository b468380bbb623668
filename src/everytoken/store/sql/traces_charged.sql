LEFT JOIN (
  SELECT
    trace_id,
    count() AS charges,
    groupUniqArrayIf(100)(toString(if(response_model != '', response_model, request_model)) AS model, model != '') AS models,
    groupUniqArrayIf(100)(toString(node), node != '') AS nodes,
    groupUniqArrayIf(100)(assumeNotNull(user_id), user_id IS NOT NULL) AS users,
    groupUniqArrayIf(100)(toString(provider), provider != '') AS providers,
    groupUniqArrayIf(100)(toString(call_path), call_path != '') AS call_paths,
    groupUniqArrayIf(100)(toString(environment), environment != '') AS environments,
    groupUniqArrayIf(100)(toString(release), release != '') AS releases,
    groupUniqArray(100)(toString(quality)) AS qualities,
    groupUniqArray(100)(toString(cost_status)) AS cost_states,
    min(started_us + ttft_us) AS begun_us,
/*totals*/
  FROM charge_versions FINAL
  WHERE project = {project:String}
    AND started_us >= {charges_from_us:Int64} AND started_us < {charges_to_us:Int64}
  GROUP BY trace_id
) AS charged USING (trace_id)
