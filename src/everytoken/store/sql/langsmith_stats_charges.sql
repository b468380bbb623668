-- Every charge of a chosen run or of a run below one, once for each group however many of the runs above it were chosen.
SELECT
  group_key,
/*charge_sums*/
FROM (
  SELECT
    charges.*, chosen.group_key AS group_key,
    JSONExtract(cost_lines, 'Array(Tuple(String, String, String, UInt64, String))') AS lines,
    mapFromArrays(arrayMap(line -> line.1, lines), arrayMap(line -> toDecimal64OrZero(line.5, 12), lines)) AS line_usds
  FROM (SELECT * FROM charge_versions FINAL WHERE project IN {projects:Array(String)} AND started_us >= {sums_from_us:Int64}) AS charges
  INNER JOIN (
    SELECT DISTINCT owners.run_id AS owner, groups.group_key AS group_key
    FROM (
      SELECT run_id, arrayJoin(arrayMap(step -> toUUIDOrZero(right(step, 36)), splitByChar('.', dotted_order.2))) AS ancestor
      FROM run_versions FINAL
      WHERE project IN {projects:Array(String)} AND is_root IN (0, 1) AND start_us >= {sums_from_us:Int64}
    ) AS owners
    INNER JOIN (
      SELECT run_id, /*key*/ AS group_key
      FROM run_versions FINAL
      WHERE project IN {projects:Array(String)} AND is_root IN {is_root:Array(UInt8)}
        AND start_us >= {from_us:Int64} AND start_us < {to_us:Int64}
        AND /*where*/
    ) AS groups ON owners.ancestor = groups.run_id
  ) AS chosen ON charges.run_id = chosen.owner
)
GROUP BY group_key
