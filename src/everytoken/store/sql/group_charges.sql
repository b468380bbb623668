-- A charge counts under each of its tags; every other dimension splits the charges.
SELECT
/*dimension*/ AS group_key,
  uniqExact(trace_id) AS traces,
  uniqExactIf(user_id, user_id IS NOT NULL) AS users,
  uniqExactIf(thread_id, thread_id IS NOT NULL) AS threads,
  arraySort(groupUniqArrayIf(20)(toString(if(response_model != '', response_model, request_model)) AS model, model != '')) AS models,
  min(started_us) AS first_us,
  max(started_us) AS last_us,
/*latency*/,
/*totals*/
FROM charge_versions FINAL
WHERE project = {project:String} AND started_us >= {from_us:Int64} AND started_us < {to_us:Int64}
GROUP BY group_key
ORDER BY known_usd DESC, llm_calls DESC, group_key
LIMIT {limit:UInt64}
