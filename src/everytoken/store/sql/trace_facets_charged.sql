-- In how many of the traces found each value of their charges occurs. One scan for all facets: a set of traces is
-- kept for each value, and what is not grouped by is empty.
SELECT
  multiIf(
    grouping(model) = 0, 'model', grouping(node) = 0, 'node', grouping(user) = 0, 'user',
    grouping(environment) = 0, 'environment', grouping(release) = 0, 'release', grouping(quality) = 0, 'quality',
    grouping(cost_status) = 0, 'cost_status', grouping(provider) = 0, 'provider', 'call_path') AS facet,
  concat(model, node, user, environment, release, quality, cost_status, provider, call_path) AS held,
  uniqExact(trace_id) AS traces
FROM (
  SELECT
    trace_id, node, environment, release, quality, cost_status, provider, call_path,
    if(response_model != '', response_model, request_model) AS model,
    ifNull(user_id, '') AS user
  FROM charge_versions FINAL
  WHERE project = {project:String}
    AND started_us >= {charges_from_us:Int64} AND started_us < {charges_to_us:Int64}
    AND trace_id IN (
      SELECT trace_id
/*traces_found*/
      WHERE /*where*/
    )
)
GROUP BY GROUPING SETS (
  (model), (node), (user), (environment), (release), (quality), (cost_status), (provider), (call_path))
HAVING held != ''
ORDER BY facet, traces DESC, held
LIMIT {limit:UInt64} BY facet
