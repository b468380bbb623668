"""Providers' bills: what their exports say, and where the ledger differs from it, day by day and model by model."""
