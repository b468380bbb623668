-- What clients say they lost before it was sent, told in the metadata of the next run that came through.
SELECT sum(dropped) AS dropped, sum(by_langsmith) AS by_langsmith
FROM (
  SELECT
    max(JSONExtractUInt(metadata.2, 'everytoken_dropped')) AS dropped,
    max(JSONExtractUInt(metadata.2, 'everytoken_lost_by_langsmith')) AS by_langsmith
  FROM run_versions
  WHERE project = {project:String} AND is_root IN (0, 1) AND start_us >= {from_us:Int64} AND start_us < {to_us:Int64}
    AND multiSearchAny(metadata.2, ['"everytoken_dropped"', '"everytoken_lost_by_langsmith"'])
  GROUP BY trace_id, run_id
)
