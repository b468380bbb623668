"""Alembic revisions of the control data, run by `store.migrate` alone."""
