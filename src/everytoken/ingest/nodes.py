"""Which LangGraph node each run of a trace belongs to, and which run is the execution of one."""

from collections.abc import Iterable

from everytoken.core.graph import is_execution
from everytoken.core.lineage import trace_lineage
from everytoken.core.run import Run
from everytoken.store.rows import SettledRun


def with_nodes(runs: Iterable[Run]) -> list[SettledRun]:
    """Each run with its innermost node, its own or inherited from the runs above it."""
    lineage = trace_lineage(runs)
    nodes = lineage.inherited("langgraph_node")
    return [SettledRun(run, nodes[at], is_execution(lineage, at)) for at, run in enumerate(lineage.runs)]
