"""What ingest hands to the ledger: settled runs, and the keys of charges that settlement no longer yields."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from everytoken.core.run import Run


@dataclass(frozen=True, slots=True)
class SettledRun:
    """A run with the LangGraph node settlement found it in."""

    run: Run
    node: str | None = None
    """Innermost LangGraph node the run belongs to; `None` outside any graph."""
    is_node: bool = False
    """True for the run that is one execution of `node`, not merely inside it."""


@dataclass(frozen=True, slots=True)
class ChargeRef:
    """The ledger's sorting key of one charge."""

    project: str
    trace_id: str
    charge_key: str
    started_us: int
    has_ended: bool = field(default=True, compare=False)
    """Whether its request had ended when the ledger was asked; no part of the key."""


def charge_ref(row: Mapping[str, Any]) -> ChargeRef:
    """From a row of `trace_charge_keys` or `charge_keys_of`."""
    place = row["project"], str(row["trace_id"]), row["charge_key"], row["started_us"]
    return ChargeRef(*place, has_ended=bool(row["has_ended"]))
