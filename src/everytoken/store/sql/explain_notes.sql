-- What the number does not say: calls it leaves out, and doubts about those in it.
SELECT note.1 AS kind, note.2 AS code, count() AS calls
FROM (
  SELECT arrayJoin(arrayConcat(
    if(NOT (cost_usd IS NOT NULL AND cost_status IN ('priced', 'approximate')),
      [(if(status = 'pending' AND quality = 'missing', 'running', 'unpriced'), toString(cost_reason))], []),
    if(cost_status = 'approximate', [('approximate', toString(cost_reason))], []),
    arrayMap(warning -> ('usage', toString(warning)), usage_warnings),
    arrayMap(flag -> ('settlement', toString(flag)), arrayFilter(flag -> NOT has(usage_warnings, flag), flags))
  )) AS note
/*explained*/
)
GROUP BY kind, code
ORDER BY kind, calls DESC, code
LIMIT {limit:UInt64}
