"""Reads: turns a question (project, window, filter) into typed rows. Asks `store`, never writes, knows no HTTP."""
