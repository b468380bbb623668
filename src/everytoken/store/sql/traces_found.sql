FROM (
  SELECT *
  FROM run_versions FINAL
  WHERE project = {project:String} AND /*heads*/
    AND start_us >= {from_us:Int64} AND start_us < {to_us:Int64}
) AS heads
/*charged*/
