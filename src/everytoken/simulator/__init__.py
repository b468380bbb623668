"""OpenAI, Gemini, Kakao and public-data APIs on loopback, with a billing ledger and faults.

Imports no other room of everytoken, and is imported by the CLI and by tests alone.
"""
