"""What ingest hands to the ledger: settled runs, and the keys of charges that settlement no longer yields."""

from dataclasses import dataclass

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
