-- Releases that made a call in the window, those that came last first.
SELECT
  toString(release) AS named,
  min(started_us) AS first_us,
  max(started_us) AS last_us,
/*totals*/
FROM charge_versions FINAL
WHERE project = {project:String} AND started_us >= {from_us:Int64} AND started_us < {to_us:Int64} AND release != ''
GROUP BY release
ORDER BY first_us DESC, named
LIMIT {limit:UInt64}
