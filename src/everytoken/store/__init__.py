"""Where things stay: the journal (SQLite), the ledger (chDB or ClickHouse) and the control data.

Hands out intents, never a connection.
"""
