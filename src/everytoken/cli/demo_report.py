"""What the demo shows: its JSON, and the same figures for a terminal. Every number is read from the server."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from everytoken.cli.render import print_trace

TOTALS = ("llm_calls", "input_tokens", "output_tokens", "total_tokens", "cost_usd")
QUALITIES = ("exact", "partial", "estimated", "missing")
BOX_WIDTH = 39  # two of them and the gap fit a terminal of 80

Row = Mapping[str, Any]


def project_report(summary: Row, nodes: Iterable[Row], *, url: str) -> dict[str, Any]:
    """A project: its totals and, per node, the same figures."""
    return {
        "project": summary["project"],
        "traces": summary["traces"],
        **{key: summary[key] for key in TOTALS},
        "quality": summary["quality"],
        "nodes": {row["node"]: {**{key: row[key] for key in TOTALS}, "executions": row["executions"]} for row in nodes},
        "url": url,
    }


def before_report(summary: Row, nodes: Iterable[Row], *, url: str) -> dict[str, Any]:
    """The project that was told no usage, as a dashboard shows it that adds up what it was told: nothing is $0.

    `quality` says what everytoken makes of the same runs: every call's usage is missing, so its cost is unknown.
    """
    report = project_report(summary, nodes, url=url)
    report["cost_usd"] = summary["cost_known_usd"]
    for row in nodes:
        report["nodes"][row["node"]]["cost_usd"] = row["cost_known_usd"]
    return report


def trace_report(project: str, view: Row, *, url: str) -> dict[str, Any]:
    """One trace: its totals and, per node, the same figures with its place in time."""
    nodes = {
        run["name"]: {
            **{key: run["subtree"][key] for key in TOTALS},
            "start_ms": round(run["offset_ms"]),
            "end_ms": round(run["offset_ms"] + (run["duration_ms"] or 0)),
        }
        for run in view["runs"]
        if run["is_node"]
    }
    return {
        "project": project,
        "traces": 1,
        **{key: view["trace"][key] for key in TOTALS},
        "nodes": nodes,
        "saved_ms": None if view["saved_ms"] is None else round(view["saved_ms"]),
        "url": url,
        "trace_id": view["trace"]["trace_id"],
    }


def coverage_report(coverage: Row) -> dict[str, dict[str, int]]:
    """Call path → its calls and how well their usage is known."""
    by_name = sorted(coverage["paths"], key=lambda path: str(path["call_path"]))
    openai_first = sorted(by_name, key=lambda path: path["call_path"].startswith("openai"), reverse=True)
    return {
        path["call_path"]: {"calls": path["llm_calls"], **{name: path["quality"][name] for name in QUALITIES}}
        for path in openai_first
    }


def print_report(console: Console, result: Row, view: Row, answer: str) -> None:
    """The reference trace and its answer, the two boxes, the nodes, the call paths."""
    print_trace(console, view)
    console.print(f"\n{answer}\n", highlight=False)
    boxes = Table.grid(padding=(0, 2))
    nodes = [name for name, node in result["nodes"].items() if node["llm_calls"]]
    before, after = _box("before", result["before"], nodes, "dim"), _box("after", result, nodes, "cyan")
    boxes.add_row(before, after)
    console.print(boxes)
    told, calls = result["before"]["quality"]["missing"], result["before"]["llm_calls"]
    console.print(Text(f"the same runs twice; before, {told} of {calls} calls said nothing of their usage\n", "dim"))
    console.print(_node_table(result))
    console.print()
    console.print(_coverage_table(result["coverage"]))


def _box(title: str, report: Row, nodes: Iterable[str], style: str) -> Panel:
    """What the post shows of a dashboard: runs, tokens, dollars, and the same by node."""
    lines = Table.grid(padding=(0, 2), expand=True)
    lines.add_column(no_wrap=True)
    lines.add_column(justify="right", no_wrap=True)
    lines.add_column(justify="right", no_wrap=True, width=len("$0.28562625"))
    lines.add_row("Run count", f"{report['traces']:,}", "")
    lines.add_row(Text("Total tokens", "bold"), Text(f"{report['total_tokens']:,}", "bold"), Text(_usd(report), "bold"))
    for name in nodes:
        node = report["nodes"][name]
        lines.add_row(f"  {name}", f"{node['total_tokens']:,}", _usd(node))
    return Panel(lines, title=title, title_align="left", border_style=style, width=BOX_WIDTH)


def _node_table(report: Row) -> Table:
    table = _table("node", "calls", "in", "out", "tokens", "$", "share")
    known = [float(node["cost_usd"] or 0) for node in report["nodes"].values()]
    for name, node in report["nodes"].items():
        if not node["llm_calls"]:
            table.add_row(name, "", "", "", Text("no LLM", "dim"), "", "")
            continue
        share = float(node["cost_usd"]) / sum(known) if node["cost_usd"] and sum(known) else None
        table.add_row(name, *_counts(node), _usd(node), "—" if share is None else f"{share:.1%}")
    table.add_section()
    table.add_row(Text("all", "bold"), *_counts(report), Text(_usd(report), "bold"), "")
    return table


def _coverage_table(coverage: Mapping[str, Mapping[str, int]]) -> Table:
    table = _table("call path", "calls", *QUALITIES)
    for path, row in coverage.items():
        covered = row["exact"] == row["calls"]
        figures = (str(row[name]) if row[name] else "" for name in ("calls", *QUALITIES))
        table.add_row(Text.assemble(("✓ " if covered else "✗ ", "green" if covered else "red"), path), *figures)
    exact = sum(row["exact"] == row["calls"] for row in coverage.values())
    table.caption = f"{exact} of {len(coverage)} call paths exact"
    table.caption_justify = "left"
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", show_edge=False)
    table.add_column(first, no_wrap=True)
    for title in others:
        table.add_column(title, justify="right", no_wrap=True)
    return table


def _counts(row: Row) -> tuple[str, ...]:
    return tuple(f"{row[key]:,}" for key in ("llm_calls", "input_tokens", "output_tokens", "total_tokens"))


def _usd(row: Row) -> str:
    if row["cost_usd"] is None:
        return "—"
    value = float(row["cost_usd"])
    return f"${row['cost_usd']}" if value else "$0.00"
