  multiIf(
    {by:String} = 'model', toString(if(response_model != '', response_model, request_model)),
    {by:String} = 'node', toString(node),
    {by:String} = 'user', ifNull(user_id, ''),
    {by:String} = 'thread', ifNull(thread_id, ''),
    {by:String} = 'provider', toString(provider),
    {by:String} = 'call_path', toString(call_path),
    {by:String} = 'quality', toString(quality),
    '')
