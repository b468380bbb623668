-- Which of these hashes some run still names, in any project.
SELECT DISTINCT arrayJoin(extractAll(extra.2, '"sha256":"([0-9a-f]{64})"')) AS sha256
FROM run_versions
WHERE position(extra.2, '"attachment.') > 0 AND sha256 IN {hashes:Array(String)}
LIMIT {limit:UInt64}
