-- What follows `ALTER TABLE run_versions`: of a run of an erased person stays what accounting and the graph stand on.
UPDATE
  inputs = (0, ''), outputs = (0, ''), events = (0, ''), extra = (0, ''),
  input_preview = (0, ''), output_preview = (0, ''),
  route = if(arrayAll(word -> has({routes:Array(String)}, word), extractAll(route.2, '"((?:[^"\\\\]|\\\\.)*)"')), route, (0, '')),
  error = (error.1, extract(error.2, '^[A-Za-z_.]{1,100}')),
  metadata = (metadata.1, concat('{', arrayStringConcat(arrayMap(
    key -> concat(toJSONString(key), ':', JSONExtractRaw(metadata.2, key)),
    arrayFilter(key -> JSONHas(metadata.2, key), {kept:Array(String)})), ','), '}')),
  tags = (tags.1, arrayFilter(tag -> tag LIKE 'graph:step:%' OR tag LIKE 'seq:step:%', tags.2)),
  flags = (flags.1, arrayDistinct(arrayConcat(flags.2, ['content_dropped', 'erased'])))
WHERE project = {project:String} AND is_root IN (0, 1) AND trace_id IN {trace_ids:Array(UUID)}
