"""The edge: LangSmith and OpenTelemetry bodies to operations on runs, and back. Knows no storage and no sockets."""
