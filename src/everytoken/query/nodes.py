"""LangGraph nodes over a window: executions from runs, tokens and money from charges."""

from decimal import Decimal

from everytoken.query.projects import known_project
from everytoken.query.rows import NodeRow, Nodes
from everytoken.query.totals import Tally, finite, share, tally
from everytoken.query.window import Window
from everytoken.store.control import Control
from everytoken.store.ledger import Ledger

MAX_NODES = 1000  # graphs have tens; a name made of request data must not fill the page


def list_nodes(ledger: Ledger, control: Control, project: str, window: Window) -> Nodes:
    """The dearest first, then the busiest; charges outside any node count in the shares, not in the list."""
    known_project(control, project)
    params = {"project": project, "limit": MAX_NODES, **window.params()}
    runs = {row["node"]: row for row in ledger.select("node_runs", **params)}
    charged = {row["node"]: tally(row) for row in ledger.select("node_charges", **params)}
    whole = sum((held.known_usd for held in charged.values()), Decimal(0))
    rows: list[tuple[Decimal, NodeRow]] = []
    for node in runs.keys() | charged.keys():
        if node is None:
            continue
        held, run = charged.get(node, Tally()), runs.get(node)
        p50_ms, p95_ms = run["durations_ms"] if run else (float("nan"), float("nan"))
        row = NodeRow(
            node=node,
            executions=run["executions"] if run else 0,
            errors=run["errors"] if run else 0,
            p50_ms=finite(p50_ms),
            p95_ms=finite(p95_ms),
            share=share(held.known_usd, whole),
            **held.fields(),
        )
        rows.append((held.known_usd, row))
    rows.sort(key=lambda pair: (-pair[0], -pair[1].total_tokens, -pair[1].executions, pair[1].node))
    return Nodes(project=project, nodes=[row for _usd, row in rows])
