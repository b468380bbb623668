"""Runs and charges between a server and files: what `everytoken export` writes and `everytoken import` reads.

Talks to the server through `cli.client` alone. Never holds more than a page of rows.
"""
