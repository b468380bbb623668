SELECT
  project,
/*charge_sums*/
FROM (
  SELECT
    *,
    JSONExtract(cost_lines, 'Array(Tuple(String, String, String, UInt64, String))') AS lines,
    mapFromArrays(arrayMap(line -> line.1, lines), arrayMap(line -> toDecimal64OrZero(line.5, 12), lines)) AS line_usds
  FROM charge_versions FINAL
  WHERE project IN {projects:Array(String)} AND started_us >= {from_us:Int64}
)
GROUP BY project
