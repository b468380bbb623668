-- Which operations other servers know of these traces; of those in `whole`, also which this one wrote.
SELECT DISTINCT trace_id, run_id, toString(kind) AS kind, received_us, part, digest
FROM operations
WHERE trace_id IN {trace_ids:Array(UUID)} AND (writer != {writer:String} OR trace_id IN {whole:Array(UUID)})
  AND (trace_id, run_id, toString(kind), received_us, part, digest) > ({after_trace:UUID}, {after_run:UUID}, {after_kind:String}, {after_us:Int64}, {after_part:UInt32}, {after_digest:UInt64})
ORDER BY trace_id, run_id, kind, received_us, part, digest
LIMIT {limit:UInt64}
