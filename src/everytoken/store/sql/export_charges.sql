-- One page of a project's charges, oldest first: what comes in meanwhile comes last and shifts nothing.
SELECT *
FROM charge_versions FINAL
WHERE project = {project:String}
  AND started_us >= {from_us:Int64} AND started_us < {to_us:Int64}
  AND started_us >= {after_us:Int64}
  AND (started_us, trace_id, charge_key) > ({after_us:Int64}, {after_id:UUID}, {after_key:String})
ORDER BY started_us, trace_id, charge_key
LIMIT {limit:UInt64}
