"""One file a schema version. A released revision is never edited; what is already there is left alone."""
