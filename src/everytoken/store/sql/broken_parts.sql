-- Parts that the engine could not read when it opened its tables. Each start sets the same ones aside once.
SELECT table, name
FROM system.detached_parts
WHERE database = currentDatabase() AND startsWith(name, 'broken')
ORDER BY table, name
