DELETE WHERE project = {project:String} AND started_us >= {from_us:Int64} AND started_us < {to_us:Int64}
