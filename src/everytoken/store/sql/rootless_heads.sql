-- The first run of each of these traces that has no root anywhere.
SELECT trace_id, min(start_us) AS first_us, argMin(run_id, (start_us, run_id)) AS head
FROM run_versions
WHERE project = {project:String} AND is_root IN (0, 1) AND trace_id IN {trace_ids:Array(UUID)}
GROUP BY trace_id
HAVING max(is_root) = 0 AND first_us >= {from_us:Int64} AND first_us < {to_us:Int64}
ORDER BY first_us DESC, trace_id DESC
