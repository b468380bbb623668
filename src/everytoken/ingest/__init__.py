"""Writes: accept → journal → fold → settle → price → ledger, with a bound at every step."""
