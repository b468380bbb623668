-- In how many traces each value occurs; a trace counts under each of its values.
SELECT pair.1 AS facet, pair.2 AS held, count() AS traces
FROM (
  SELECT arrayJoin(arrayConcat(
    [('status', if(status.1 = 0, 'pending', status.2)), ('name', name.2)],
    arrayMap(tag -> ('tag', tag), tags.2),
    arrayMap(held -> ('model', held), charged.models),
    arrayMap(held -> ('node', held), charged.nodes),
    arrayMap(held -> ('user', held), charged.users),
    arrayMap(held -> ('provider', held), charged.providers),
    arrayMap(held -> ('call_path', held), charged.call_paths),
    arrayMap(held -> ('environment', held), charged.environments),
    arrayMap(held -> ('release', held), charged.releases),
    arrayMap(held -> ('quality', held), charged.qualities),
    arrayMap(held -> ('cost_status', held), charged.cost_states)
  )) AS pair
/*traces_found*/
  WHERE /*where*/
)
WHERE held != ''
GROUP BY facet, held
ORDER BY facet, traces DESC, held
LIMIT {limit:UInt64} BY facet
