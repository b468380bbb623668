FROM charge_versions FINAL
WHERE project = {project:String} AND started_us >= {from_us:Int64} AND started_us < {to_us:Int64}
  AND ({trace_id:Nullable(UUID)} IS NULL OR trace_id = {trace_id:Nullable(UUID)})
  AND ({charge_key:Nullable(String)} IS NULL OR charge_key = {charge_key:Nullable(String)})
  AND ({provider:Nullable(String)} IS NULL OR provider = {provider:Nullable(String)})
  AND ({by:String} = 'none' OR if({by:String} = 'tag', has(tags, {key:String}), {key:String} = multiIf(
    {by:String} = 'model', toString(if(response_model != '', response_model, request_model)),
    {by:String} = 'node', toString(node),
    {by:String} = 'user', ifNull(user_id, ''),
    {by:String} = 'thread', ifNull(thread_id, ''),
    {by:String} = 'provider', toString(provider),
    {by:String} = 'call_path', toString(call_path),
    {by:String} = 'quality', toString(quality),
    {by:String} = 'release', toString(release),
    '')))
