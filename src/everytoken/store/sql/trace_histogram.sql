SELECT roundDown(value, {edges:Array(Int64)}) AS from_value, count() AS traces
FROM (
  SELECT toInt64(/*value*/) AS value
/*traces_found*/
  WHERE /*where*/
)
WHERE value IS NOT NULL
GROUP BY from_value
ORDER BY from_value
