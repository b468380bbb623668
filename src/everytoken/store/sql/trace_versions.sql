SELECT trace_id, max(version) AS version
FROM run_versions
WHERE trace_id IN {trace_ids:Array(UUID)} AND is_root IN (0, 1)
GROUP BY trace_id
