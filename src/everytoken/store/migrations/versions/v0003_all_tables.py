"""All tables of the first release: those that are not there yet are made from the shared metadata."""

import sqlalchemy as sa
from alembic import op

from everytoken.store.tables import facts, metadata

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    connection = op.get_bind()
    metadata.create_all(connection)
    connection.execute(sa.delete(facts).where(facts.c.name == "schema_version"))
    connection.execute(sa.insert(facts).values(name="schema_version", value="3"))
