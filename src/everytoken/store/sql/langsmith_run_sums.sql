-- Of some runs, what they were charged themselves (own = 1) and what the runs below them were. The dotted order of the
-- run that owns a charge names all runs above it.
SELECT
  ancestor AS of_run, own,
/*charge_sums*/
FROM (
  SELECT
    charges.*, owners.ancestor AS ancestor, owners.ancestor = charges.run_id AS own,
    JSONExtract(cost_lines, 'Array(Tuple(String, String, String, UInt64, String))') AS lines,
    mapFromArrays(arrayMap(line -> line.1, lines), arrayMap(line -> toDecimal64OrZero(line.5, 12), lines)) AS line_usds
  FROM (
    SELECT * FROM charge_versions FINAL
    WHERE project IN {projects:Array(String)} AND trace_id IN {trace_ids:Array(UUID)} AND started_us >= {from_us:Int64}
  ) AS charges
  INNER JOIN (
    SELECT run_id, arrayJoin(arrayMap(step -> toUUIDOrZero(right(step, 36)), splitByChar('.', dotted_order.2))) AS ancestor
    FROM run_versions FINAL
    WHERE project IN {projects:Array(String)} AND trace_id IN {trace_ids:Array(UUID)} AND is_root IN (0, 1)
      AND start_us >= {from_us:Int64}
  ) AS owners ON charges.run_id = owners.run_id
)
WHERE ancestor IN {run_ids:Array(UUID)}
GROUP BY ancestor, own
