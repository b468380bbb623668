"""Prices and tokenisers: facts that change weekly, kept as dated data behind guards. May import `core` only."""
