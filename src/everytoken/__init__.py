"""everytoken: every token of every LLM call, on every path, counted once and priced right."""

__version__ = "0.1.0"
