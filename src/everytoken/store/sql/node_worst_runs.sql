-- Executions of one node, the slowest first, or the failed ones with the latest first.
SELECT trace_id, run_id, start_us, end_us, status, substringUTF8(error.2, 1, 300) AS error_head
FROM run_versions FINAL
WHERE project = {project:String} AND is_root IN (0, 1) AND start_us >= {from_us:Int64} AND start_us < {to_us:Int64}
  AND is_node.2 = 1 AND node.2 = {node:String}
  AND if({by:String} = 'errors', status.2 = 'error', end_us.1 > 0)
ORDER BY if({by:String} = 'errors', start_us, end_us.2 - start_us) DESC, run_id
LIMIT {limit:UInt64}
