-- Tables with rows that were deleted and are still on the disk, only no longer read.
SELECT DISTINCT table
FROM /*parts*/
WHERE database = currentDatabase() AND active AND has_lightweight_delete
ORDER BY table
