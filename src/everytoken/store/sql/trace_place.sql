-- Where a trace lies. Only key columns are read: the payload of a granule that the bloom filter let through by mistake
-- would cost more than everything else.
SELECT project, min(start_us) AS first_us, max(start_us) AS last_us
FROM run_versions
WHERE trace_id = {trace_id:UUID} AND is_root IN (0, 1)
  AND ({project:Nullable(String)} IS NULL OR project = {project:Nullable(String)})
GROUP BY project
