-- The most frequent values under each key of the metadata.
SELECT entry.1 AS key, topK(100)(entry.2) AS all_held, arraySlice(all_held, 1, {k:UInt64}) AS held
FROM (
  SELECT arrayJoin(CAST(JSONExtract(metadata.2, 'Map(String, String)') AS Array(Tuple(String, String)))) AS entry
  FROM run_versions FINAL
  WHERE project = {project:String} AND is_root IN {is_root:Array(UInt8)}
)
WHERE empty({keys:Array(String)}) OR has({keys:Array(String)}, entry.1)
GROUP BY key
ORDER BY key
LIMIT 1000
