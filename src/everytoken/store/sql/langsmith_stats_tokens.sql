-- How tokens and cost are spread over the chosen runs, each with its subtree. A run without charges used no token; of one
-- whose calls did not tell their tokens, they are not known.
SELECT
  group_key,
  countIf(isNotNull(prompt_tokens)) AS prompts,
  quantilesExactIf(0.5, 0.99)(ifNull(prompt_tokens, 0), isNotNull(prompt_tokens)) AS prompt,
  countIf(isNotNull(completion_tokens)) AS completions,
  quantilesExactIf(0.5, 0.99)(ifNull(completion_tokens, 0), isNotNull(completion_tokens)) AS completion,
  countIf(isNotNull(total_tokens)) AS totals,
  quantilesExactIf(0.5, 0.99)(ifNull(total_tokens, 0), isNotNull(total_tokens)) AS total,
  countIf(isNotNull(total_cost)) AS priced,
  quantilesExactIf(0.5, 0.99)(ifNull(total_cost, 0), isNotNull(total_cost)) AS cost
FROM (
SELECT
  chosen.group_key AS group_key,
  if(sums.calls = 0, 0, sums.prompt_tokens) AS prompt_tokens,
  if(sums.calls = 0, 0, sums.completion_tokens) AS completion_tokens,
  if(sums.calls = 0, 0, sums.total_tokens) AS total_tokens,
  sums.total_cost AS total_cost
FROM (
  SELECT run_id, /*key*/ AS group_key
  FROM run_versions FINAL
  WHERE project IN {projects:Array(String)} AND is_root IN {is_root:Array(UInt8)}
    AND start_us >= {from_us:Int64} AND start_us < {to_us:Int64}
    AND /*where*/
) AS chosen
LEFT JOIN (/*rollup*/) AS sums ON chosen.run_id = sums.run_id
)
GROUP BY group_key
