  SELECT
    ancestor AS run_id,
    count() AS calls,
    sumIf(input_tokens, quality IN ('exact', 'partial')) AS prompt_tokens,
    sumIf(output_tokens, quality IN ('exact', 'partial')) AS completion_tokens,
    if(isNull(prompt_tokens), completion_tokens, prompt_tokens + ifNull(completion_tokens, 0)) AS total_tokens,
    countIf((cost_usd IS NULL OR cost_status NOT IN ('priced', 'approximate')) AND NOT (status = 'pending' AND quality = 'missing')) AS unpriced,
    if(unpriced = 0, toFloat64(sum(cost_usd)), NULL) AS total_cost,
    if(unpriced = 0, sum(output_usd), NULL) AS completion_cost,
    if(unpriced = 0, sum(input_usd), NULL) AS prompt_cost
  FROM (
    SELECT
      charges.*, owners.ancestor AS ancestor,
      JSONExtract(cost_lines, 'Array(Tuple(String, String, String, UInt64, String))') AS lines,
      arraySum(arrayMap(line -> if(line.1 = 'output' OR line.1 = 'reasoning' OR startsWith(line.1, 'output_'), ifNull(toFloat64OrNull(line.5), 0), 0), lines)) AS output_usd,
      arraySum(arrayMap(line -> if(line.1 = 'input' OR startsWith(line.1, 'input_') OR startsWith(line.1, 'cache_'), ifNull(toFloat64OrNull(line.5), 0), 0), lines)) AS input_usd
    FROM (SELECT * FROM charge_versions FINAL WHERE project IN {projects:Array(String)} AND started_us >= {sums_from_us:Int64}) AS charges
    INNER JOIN (
      SELECT run_id, arrayJoin(arrayMap(step -> toUUIDOrZero(right(step, 36)), splitByChar('.', dotted_order.2))) AS ancestor
      FROM run_versions FINAL
      WHERE project IN {projects:Array(String)} AND is_root IN (0, 1) AND start_us >= {sums_from_us:Int64}
    ) AS owners ON charges.run_id = owners.run_id
  )
  GROUP BY ancestor
