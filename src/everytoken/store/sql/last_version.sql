SELECT greatest((SELECT max(version) FROM run_versions), (SELECT max(version) FROM charge_versions)) AS version
