-- What follows `ALTER TABLE run_versions`. A route stays where it names nothing but nodes: it is the graph, not a text.
UPDATE
  inputs = (0, ''), outputs = (0, ''), events = (0, ''), extra = (0, ''),
  input_preview = (0, ''), output_preview = (0, ''),
  route = if(arrayAll(word -> has({routes:Array(String)}, word), extractAll(route.2, '"((?:[^"\\\\]|\\\\.)*)"')), route, (0, '')),
  flags = (flags.1, arrayDistinct(arrayPushBack(flags.2, 'content_dropped')))
WHERE project = {project:String} AND is_root IN (0, 1) AND start_us >= {from_us:Int64} AND start_us < {to_us:Int64}
  AND (NOT has(flags.2, 'content_dropped') OR greatest(inputs.1, outputs.1, events.1, extra.1, input_preview.1, output_preview.1) > 0)
