-- What settlement noticed: a run that testified to a request another run already stood for, layers that told
-- different counts, runs without their parent.
SELECT
  kind,
  count() AS calls,
  sum(if(kind = 'duplicate', length(run_ids) - 1, 1)) AS reports,
  min(started_us) AS first_us,
  max(started_us) AS last_us,
  arrayDistinct([argMax(trace_id, started_us), argMin(trace_id, started_us)]) AS trace_ids
FROM charge_versions FINAL
ARRAY JOIN arrayConcat(
  if(length(run_ids) > 1, ['duplicate'], []),
  arrayFilter(flag -> flag IN ('layers_disagree', 'orphan', 'parent_cycle', 'on_chain_run'), arrayMap(flag -> toString(flag), flags))
) AS kind
WHERE project = {project:String} AND started_us >= {from_us:Int64} AND started_us < {to_us:Int64}
GROUP BY kind
ORDER BY kind
