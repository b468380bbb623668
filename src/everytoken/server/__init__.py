"""HTTP in front of `ingest` and `query`: LangSmith's routes, the product API, the live feed and the page. Thin."""
