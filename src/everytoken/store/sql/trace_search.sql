-- Payloads are JSON text: what JSON escapes is searched for as it is escaped.
SELECT run_id
FROM run_versions FINAL
WHERE trace_id = {trace_id:UUID} AND is_root IN (0, 1) AND project IN {projects:Array(String)}
  AND start_us BETWEEN {first_us:Int64} AND {last_us:Int64}
  AND (positionCaseInsensitiveUTF8(name.2, {text:String}) > 0
    OR positionCaseInsensitiveUTF8(error.2, {text:String}) > 0
    OR positionCaseInsensitiveUTF8(inputs.2, {escaped:String}) > 0
    OR positionCaseInsensitiveUTF8(outputs.2, {escaped:String}) > 0)
GROUP BY run_id
LIMIT {limit:UInt64}
