-- The versions that these charges have now.
SELECT project, started_us, trace_id, charge_key, max(version) AS version
FROM charge_versions
WHERE project IN {projects:Array(String)} AND started_us BETWEEN {first_us:Int64} AND {last_us:Int64}
  AND trace_id IN {trace_ids:Array(UUID)} AND charge_key IN {keys:Array(String)}
GROUP BY project, started_us, trace_id, charge_key
LIMIT {limit:UInt64}
