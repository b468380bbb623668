-- What settlement noticed: a run that testified to a request another run already stood for, layers that told
-- different counts, runs without their parent. And what it could not: a response that spans of several traces tell of.
SELECT kind, calls, reports, first_us, last_us, trace_ids
FROM (
  SELECT
    kind,
    count() AS calls,
    toInt64(sum(if(kind = 'duplicate', length(run_ids) - 1, 1))) AS reports,
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
  UNION ALL
  SELECT
    'two_traces' AS kind,
    toUInt64(sum(seen - 1)) AS calls,
    toInt64(sum(seen - 1)) AS reports,
    min(begun_us) AS first_us,
    max(ended_us) AS last_us,
    argMax(seen_in, ended_us) AS trace_ids
  FROM (
    -- A trace has one charge a response. Hashes and two ids, not names and sets: a window may hold a million.
    SELECT
      count() AS seen,
      min(started_us) AS begun_us,
      max(started_us) AS ended_us,
      [max(trace_id), min(trace_id)] AS seen_in
    FROM charge_versions FINAL
    WHERE project = {project:String} AND started_us >= {from_us:Int64} AND started_us < {to_us:Int64}
      AND layer = 'otel' AND response_id != ''
    GROUP BY sipHash64(response_id)
    HAVING min(trace_id) != max(trace_id)
  )
  HAVING calls > 0
)
ORDER BY kind
