"""The one set of control tables. A table is defined beside the code that reads and writes it."""

from sqlalchemy import Column, MetaData, String, Table

metadata = MetaData()

facts = Table("facts", metadata, Column("name", String, primary_key=True), Column("value", String, nullable=False))
"""What is true of the installation: its schema version, its tenant id."""
