-- Charges of a provider's response, a thread or a user of exactly this id.
SELECT
  run_id, trace_id, project, started_us AS start_us, toString(response_model) AS model, toString(status) AS state,
  multiIf(response_id = {text:String}, 'response_id', thread_id = {text:String}, 'thread_id', 'user_id') AS found_in
FROM charge_versions FINAL
WHERE project IN {projects:Array(String)} AND started_us >= {from_us:Int64} AND started_us < {to_us:Int64}
  AND (ifNull(response_id, '') = {text:String} OR ifNull(thread_id, '') = {text:String} OR ifNull(user_id, '') = {text:String})
ORDER BY started_us DESC, run_id
LIMIT 1 BY trace_id
LIMIT {limit:UInt64}
