"""Extraction: every provider's response shape, and every tracer's run, to one `Usage`. One module a shape family."""
