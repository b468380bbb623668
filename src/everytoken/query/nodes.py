"""LangGraph nodes over a window: executions from runs, tokens and money from charges."""

from decimal import Decimal

from everytoken.core.sums import NOTHING
from everytoken.query.projects import known_project
from everytoken.query.rows import NodeRow, Nodes
from everytoken.query.totals import quantiles_ms, share, sums_of_row, total_fields, totals
from everytoken.query.window import Window
from everytoken.store.control import Control
from everytoken.store.ledger import Ledger
from everytoken.store.together import together

MAX_NODES = 1000  # graphs have tens; a name made of request data must not fill the page


def list_nodes(ledger: Ledger, control: Control, project: str, window: Window) -> Nodes:
    """The dearest first, then the busiest; charges outside any node count in the shares and stand beside the list."""
    known_project(control, project)
    params = {"project": project, "limit": MAX_NODES + 2, **window.params()}  # one too many, and charges outside
    run_rows, sum_rows = together(
        lambda: ledger.select("node_runs", **params), lambda: ledger.select("node_charges", **params)
    )
    runs = {row["node_name"]: row for row in run_rows}
    charged = {row["node"] or None: sums_of_row(row) for row in sum_rows}
    whole = sum((held.cost_known_usd for held in charged.values()), Decimal(0))
    rows: list[tuple[Decimal, NodeRow]] = []
    for node in runs.keys() | charged.keys():
        if node is None:
            continue
        held, run = charged.get(node, NOTHING), runs.get(node)
        p50_ms, p95_ms = quantiles_ms(run)
        row = NodeRow(
            node=node,
            executions=run["executions"] if run else 0,
            errors=run["errors"] if run else 0,
            p50_ms=p50_ms,
            p95_ms=p95_ms,
            share=share(held.cost_known_usd, whole),
            **total_fields(held),
        )
        rows.append((held.cost_known_usd, row))
    rows.sort(key=lambda pair: (-pair[0], -pair[1].total_tokens, -pair[1].executions, pair[1].node))
    return Nodes(
        project=project,
        nodes=[row for _usd, row in rows[:MAX_NODES]],
        outside=totals(charged.get(None)),
        truncated=len(rows) > MAX_NODES,
    )
