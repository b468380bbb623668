-- How tokens and cost are spread over the chosen runs, each with its subtree. A run without charges used no token.
SELECT
  group_key,
  quantilesExact(0.5, 0.99)(sums.prompt_tokens) AS prompt,
  quantilesExact(0.5, 0.99)(sums.completion_tokens) AS completion,
  quantilesExact(0.5, 0.99)(sums.total_tokens) AS total,
  countIf(isNotNull(sums.total_cost)) AS priced,
  quantilesExactIf(0.5, 0.99)(ifNull(sums.total_cost, 0), isNotNull(sums.total_cost)) AS cost
FROM (
  SELECT run_id, /*key*/ AS group_key
  FROM run_versions FINAL
  WHERE project IN {projects:Array(String)} AND is_root IN {is_root:Array(UInt8)}
    AND start_us >= {from_us:Int64} AND start_us < {to_us:Int64}
    AND /*where*/
) AS chosen
LEFT JOIN (/*rollup*/) AS sums ON chosen.run_id = sums.run_id
GROUP BY group_key
