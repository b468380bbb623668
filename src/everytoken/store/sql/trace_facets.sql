-- In how many traces each value of their heads occurs, a trace once under each of its values; and how many they are.
SELECT pair.1 AS facet, pair.2 AS held, count() AS traces
FROM (
  SELECT arrayJoin(arrayConcat(
    [('', 'found'), ('status', if(status.1 = 0, 'pending', status.2)), ('name', name.2)],
    arrayMap(tag -> ('tag', tag), arrayDistinct(tags.2))
  )) AS pair
/*traces_found*/
  WHERE /*where*/
)
WHERE held != ''
GROUP BY facet, held
ORDER BY facet, traces DESC, held
LIMIT {limit:UInt64} BY facet
