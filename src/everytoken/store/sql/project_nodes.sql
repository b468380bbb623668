SELECT DISTINCT node.2 AS name FROM run_versions WHERE project = {project:String} AND is_root IN (0, 1) AND node.1 > 0 LIMIT {limit:UInt64}
