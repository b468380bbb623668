"""The one set of control tables. A table is defined beside the code that reads and writes it."""

from sqlalchemy import MetaData

metadata = MetaData()
