"""What a report shows: rows read from the product API, and the same rows as a table, Markdown, JSON or a page.

Every figure is the server's own; nothing is added up here that the API already tells.
"""
