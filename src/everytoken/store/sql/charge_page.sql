SELECT *
FROM charge_versions FINAL
WHERE ({project:Nullable(String)} IS NULL OR project = {project:Nullable(String)})
  AND ({trace_id:Nullable(UUID)} IS NULL OR trace_id = {trace_id:Nullable(UUID)})
  AND started_us >= {from_us:Int64} AND started_us < {to_us:Int64}
  AND started_us <= {cursor_us:Int64}
  AND (started_us, trace_id, charge_key) < ({cursor_us:Int64}, {cursor_id:UUID}, {cursor_key:String})
ORDER BY started_us DESC, trace_id DESC, charge_key DESC
LIMIT {limit:UInt64}
