-- Every kind of call that is not plainly exact and priced; the newest of a kind and the oldest stand for it.
SELECT
  call_path,
  toString(quality) AS how_known,
  toString(if(cost_usd IS NULL OR cost_status NOT IN ('priced', 'approximate'), cost_reason, '')) AS unpriced_reason,
  toString(layer) AS reported_by,
  toString(status) AS ended,
  has(flags, 'usage_stream_cut') AS is_cut,
  has(flags, 'usage_side_missing') AS is_one_sided,
  count() AS calls,
  min(started_us) AS first_us,
  max(started_us) AS last_us,
  toString(argMin(release, started_us)) AS first_release,
  arrayDistinct([argMax(trace_id, started_us), argMin(trace_id, started_us)]) AS trace_ids,
  arraySort(groupUniqArrayIf(20)(toString(if(response_model != '', response_model, request_model)) AS model, model != '')) AS models
FROM charge_versions FINAL
WHERE project = {project:String} AND started_us >= {from_us:Int64} AND started_us < {to_us:Int64}
  AND (quality != 'exact' OR cost_usd IS NULL OR cost_status NOT IN ('priced', 'approximate'))
GROUP BY call_path, how_known, unpriced_reason, reported_by, ended, is_cut, is_one_sided
ORDER BY calls DESC, call_path, how_known, unpriced_reason, reported_by, ended, is_cut, is_one_sided
LIMIT {limit:UInt64}
