"""A trace in the terminal: the tree of its runs, the timeline of its nodes. Takes what the product API answers."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from everytoken.cli.terminal import DataConsole

BAR_WIDTH = 44
QUALITY_MARKS = {"missing": "—", "estimated": "◌", "partial": "◐"}


PIPE_WIDTH = 240


def data_console() -> Console:
    """Stdout for tables: as wide as the terminal, and wide enough for every column where nobody looks."""
    console = DataConsole(highlight=False)
    return console if console.is_terminal else DataConsole(highlight=False, width=PIPE_WIDTH)


def trace_header(view: Mapping[str, Any]) -> Text:
    """Name, duration, tokens and cost of a trace in one line."""
    trace = view["trace"]
    parts: list[str | tuple[str, str]] = [
        (trace["name"], "bold"),
        f"  {seconds(trace['duration_ms'])}  {trace['total_tokens']:,} tokens  ",
        (money(trace), "bold"),
    ]
    if view["saved_ms"]:
        parts.append((f"  {seconds(view['saved_ms'])} saved by running in parallel", "dim"))
    return Text.assemble(*parts)


def trace_tree(view: Mapping[str, Any]) -> Table:
    """Every run in tree order, with the tokens and the cost of its subtree."""
    table = Table(box=None, pad_edge=False, header_style="dim", show_edge=False)
    table.add_column("run", no_wrap=True)
    for title in ("time", "in", "out", "tokens", "$"):
        table.add_column(title, justify="right", no_wrap=True)
    runs = view["runs"]
    for run, stem in zip(runs, _stems([run["depth"] for run in runs]), strict=True):
        totals = run["subtree"]
        label = Text.assemble((stem, "dim"), (run["name"], "bold" if run["is_node"] else ""), (_annotation(run), "dim"))
        figures = (
            _figures(totals) if totals["llm_calls"] else ("", "", Text("no LLM", "dim") if run["is_node"] else "", "")
        )
        table.add_row(label, seconds(run["duration_ms"]), *figures)
    return table


def trace_timeline(view: Mapping[str, Any]) -> Table:
    """The graph's nodes against the clock: ∥ marks what ran side by side, the thick bar the critical path."""
    total_ms = view["trace"]["duration_ms"] or 0
    table = Table(box=None, pad_edge=False, header_style="dim", show_edge=False)
    table.add_column("node", no_wrap=True)
    table.add_column(f"0 s {'─' * (BAR_WIDTH - 12)} {seconds(total_ms)}", no_wrap=True)
    table.add_column("start–end", justify="right", no_wrap=True)
    for run in view["runs"]:
        if not run["is_node"]:
            continue
        start, length = run["offset_ms"], run["duration_ms"] or 0
        bar = _bar(start, length, total_ms, heavy=run["critical"])
        mark = " ∥" if run["parallel"] else ""
        table.add_row(
            Text.assemble(run["name"], (mark, "dim")), bar, f"{start / 1000:.2f}–{(start + length) / 1000:.2f} s"
        )
    return table


def print_trace(console: Console, view: Mapping[str, Any]) -> None:
    """Header, tree and timeline, one below the other."""
    parts: Iterable[RenderableType] = (trace_header(view), "", trace_tree(view), "", trace_timeline(view))
    for part in parts:
        console.print(part)


def seconds(duration_ms: float | None) -> str:
    """`0.60 s`, `18 ms`, or `…` while it runs."""
    if duration_ms is None:
        return "…"
    return f"{duration_ms:.0f} ms" if duration_ms < 100 else f"{duration_ms / 1000:.2f} s"


def money(totals: Mapping[str, Any]) -> str:
    """The exact cost; `≥ $x, n unpriced` when some calls have no price; `—` when nothing is known."""
    if totals["cost_usd"] is not None:
        return f"${totals['cost_usd']}"
    if totals["cost_known_usd"] not in ("0", None):
        return f"≥ ${totals['cost_known_usd']}, {totals['unpriced_calls']} unpriced"
    return "—"


def _figures(totals: Mapping[str, Any]) -> tuple[str, str, str, str]:
    quality = totals["quality"]
    mark = next((sign for name, sign in QUALITY_MARKS.items() if quality[name]), "")
    if quality["missing"] == totals["llm_calls"]:
        return "—", "—", "—", money(totals)
    counts = tuple(f"{totals[key]:,}" for key in ("input_tokens", "output_tokens", "total_tokens"))
    return counts[0], counts[1], f"{mark}{counts[2]}", money(totals)


def _annotation(run: Mapping[str, Any]) -> str:
    parts = [" ".join(run["models"])] if run["run_type"] == "llm" else []
    if run["run_type"] in ("tool", "retriever", "embedding"):
        parts.append(run["run_type"])
    if run["is_node"] and run["parallel"]:
        parts.append("∥")
    if run["status"] not in ("success", "pending"):
        parts.append(run["status"])
    return f"  {' · '.join(filter(None, parts))}" if any(parts) else ""


def _stems(depths: list[int]) -> list[str]:
    """The branch drawn before each name: `├─ `, `└─ ` and the lines of the ancestors that go on below."""
    stems: list[str] = []
    open_below: set[int] = set()
    for depth in reversed(depths):
        open_below = {level for level in open_below if level <= depth}
        if depth == 0:
            stems.append("")
        else:
            lines = "".join("│  " if level in open_below else "   " for level in range(1, depth))
            stems.append(lines + ("├─ " if depth in open_below else "└─ "))
        open_below.add(depth)
    return stems[::-1]


def _bar(start_ms: float, length_ms: float, total_ms: float, *, heavy: bool) -> Text:
    scale = BAR_WIDTH / total_ms if total_ms else 0.0
    before = min(round(start_ms * scale), BAR_WIDTH - 1)
    width = max(min(round(length_ms * scale), BAR_WIDTH - before), 1)
    return Text.assemble(" " * before, (("█" if heavy else "▒") * width, "cyan"))
