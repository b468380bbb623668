-- Hashes of the attachments that runs name: of some traces, or of a time.
SELECT DISTINCT arrayJoin(extractAll(extra.2, '"sha256":"([0-9a-f]{64})"')) AS sha256
FROM run_versions
WHERE project = {project:String} AND is_root IN (0, 1) AND start_us >= {from_us:Int64} AND start_us < {to_us:Int64}
  AND (empty({trace_ids:Array(UUID)}) OR trace_id IN {trace_ids:Array(UUID)})
  AND position(extra.2, '"attachment.') > 0
LIMIT {limit:UInt64}
