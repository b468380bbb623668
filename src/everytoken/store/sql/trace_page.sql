-- Unknown values are `unknown`, which the caller chooses so that they come last whichever way the order goes.
SELECT trace_id, run_id, start_us, ifNull(toInt64(/*value*/), {unknown:Int64}) AS place
/*traces_found*/
WHERE /*where*/ AND (place, trace_id) /*beyond*/ ({after:Int64}, {after_trace:UUID})
ORDER BY place /*way*/, trace_id /*way*/
LIMIT 1 BY trace_id
LIMIT {limit:UInt64}
