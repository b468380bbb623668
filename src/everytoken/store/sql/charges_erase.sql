UPDATE user_id = NULL, thread_id = NULL, session_id = NULL, tags = []
WHERE project = {project:String} AND trace_id IN {trace_ids:Array(UUID)}
