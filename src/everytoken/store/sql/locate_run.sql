SELECT project, trace_id FROM run_versions WHERE run_id = {run_id:UUID} ORDER BY version DESC LIMIT 1
