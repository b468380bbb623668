-- When some releases made their first call before an instant. Without FINAL, which would sort all that was ever charged:
-- the versions of a charge differ in what they know, not in when it began.
SELECT toString(release) AS named, min(started_us) AS first_us
FROM charge_versions
WHERE project = {project:String} AND started_us < {from_us:Int64} AND is_deleted = 0 AND release IN {releases:Array(String)}
GROUP BY release
