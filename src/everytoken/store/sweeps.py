"""Who sweeps what when: several servers share the work, and none does again what another has just done."""

from sqlalchemy import BigInteger, Column, Engine, String, Table, delete, update

from everytoken.store.engine import insert_into
from everytoken.store.tables import metadata

sweep_table = Table(
    "sweeps",
    metadata,
    Column("name", String, primary_key=True),
    Column("at_us", BigInteger, nullable=False),
)


class Sweeps:
    """Thread-safe."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        metadata.create_all(engine, tables=[sweep_table])

    def claim(self, name: str, at_us: int, every_us: int) -> bool:
        """True for the one who may do it now: the last time was `every_us` ago at least, or never.

        One that is as far ahead was written before the clock was set back: it holds nobody up.
        """
        columns = sweep_table.c
        with self._engine.begin() as connection:
            is_over = (columns.at_us <= at_us - every_us) | (columns.at_us >= at_us + every_us)
            due = update(sweep_table).where(columns.name == name, is_over)
            if connection.execute(due.values(at_us=at_us)).rowcount:
                return True
            fresh = insert_into(connection, sweep_table).values(name=name, at_us=at_us).on_conflict_do_nothing()
            # Not by its row count: psycopg tells none of an insert.
            return connection.execute(fresh.returning(columns.name)).first() is not None

    def release(self, name: str) -> None:
        """Let the next one do it at once: something is left."""
        with self._engine.begin() as connection:
            connection.execute(delete(sweep_table).where(sweep_table.c.name == name))
