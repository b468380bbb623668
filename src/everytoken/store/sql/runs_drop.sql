DELETE WHERE project = {project:String} AND start_us >= {from_us:Int64} AND start_us < {to_us:Int64}
