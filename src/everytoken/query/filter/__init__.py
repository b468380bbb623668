"""The filter language of LangSmith's API: text to a tree, and the tree to SQL whose values are all bound.

Reference: https://docs.langchain.com/langsmith/trace-query-syntax (read 2026-11). Never talks to a database itself.
"""
