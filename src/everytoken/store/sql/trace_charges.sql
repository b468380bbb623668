-- A charge starts with the run that owns it: project and time find the granules, where the bloom filter would let
-- others through by mistake, each with forty columns.
SELECT *
FROM charge_versions FINAL
WHERE trace_id = {trace_id:UUID} AND project IN {projects:Array(String)}
  AND started_us BETWEEN {first_us:Int64} AND {last_us:Int64}
ORDER BY started_us, charge_key
LIMIT {limit:UInt64}
