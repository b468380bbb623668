SELECT 1 AS held FROM run_versions WHERE project = {project:String} LIMIT 1
