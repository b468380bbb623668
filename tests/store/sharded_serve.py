"""`everytoken serve` whose every read takes the plan it has on a cluster of two shards.

`python -m tests.store.sharded_serve serve --port … --data …`
"""

from tests.store import samples

from everytoken.cli import main
from everytoken.config import Settings
from everytoken.store.ledger import Ledger


class SplitLedger(Ledger):
    @classmethod
    def open(cls, settings: Settings) -> Ledger:
        ledger = Ledger.open(settings)
        samples.split(ledger)
        return ledger


if __name__ == "__main__":
    from everytoken.server import app

    setattr(app, "Ledger", SplitLedger)  # noqa: B010 - the name by which the server opens its ledger, and no export
    main()
