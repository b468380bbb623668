-- What the root runs of each project are most often called, and what they carry.
SELECT project, facet.1 AS key, facet.2 AS value, count() AS n
FROM (
  SELECT
    project,
    arrayJoin(arrayConcat(
      [('name', name.2), ('run_type', run_type.2), ('status', if(status.1 = 0, 'pending', status.2))],
      arrayMap(tag -> ('tag', tag), tags.2),
      arrayMap(key -> ('metadata_key', key), mapKeys(JSONExtract(metadata.2, 'Map(String, String)')))
    )) AS facet
  FROM run_versions FINAL
  WHERE project IN {projects:Array(String)} AND is_root = 1 AND start_us >= {from_us:Int64}
)
GROUP BY project, key, value
ORDER BY project, key, n DESC, value
LIMIT {k:UInt64} BY project, key
