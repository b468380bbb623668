SELECT
  thread,
/*charge_sums*/
FROM (
  SELECT
    charges.*, roots.thread AS thread,
    JSONExtract(cost_lines, 'Array(Tuple(String, String, String, UInt64, String))') AS lines,
    mapFromArrays(arrayMap(line -> line.1, lines), arrayMap(line -> toDecimal64OrZero(line.5, 12), lines)) AS line_usds
  FROM (SELECT * FROM charge_versions FINAL WHERE project IN {projects:Array(String)}) AS charges
  INNER JOIN (
    SELECT DISTINCT trace_id, /*thread*/ AS thread
    FROM run_versions FINAL
    WHERE project IN {projects:Array(String)} AND is_root = 1
      AND start_us >= {from_us:Int64} AND start_us < {to_us:Int64}
      AND has({threads:Array(String)}, thread)
      AND /*where*/
  ) AS roots ON charges.trace_id = roots.trace_id
)
GROUP BY thread
