-- Models whose calls have no price for a reason that a price can cure.
SELECT
  toString(project) AS project,
  toString(provider) AS provider,
  toString(if(response_model != '', response_model, request_model)) AS model,
  toString(cost_reason) AS reason,
  count() AS calls,
  sum(ifNull(input_tokens, 0)) AS input_tokens,
  sum(ifNull(output_tokens, 0)) AS output_tokens,
  max(started_us) AS last_us
FROM charge_versions FINAL
WHERE ({project:Nullable(String)} IS NULL OR charge_versions.project = {project:Nullable(String)})
  AND started_us >= {from_us:Int64} AND started_us < {to_us:Int64}
  AND cost_usd IS NULL AND cost_status = 'unpriced' AND cost_reason NOT IN ('usage_missing', 'prepaid', 'not_priced')
GROUP BY project, provider, model, reason
ORDER BY calls DESC, project, provider, model, reason
LIMIT {limit:UInt64}
