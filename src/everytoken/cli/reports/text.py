"""A report for a terminal and in Markdown: the same columns, the same words."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from everytoken.cli.render import money
from everytoken.cli.reports.gather import Report, Section

TITLES = ("calls", "in", "out", "tokens", "cost", "share", "exact", "errors")
NAMELESS = "—"


def heading(report: Report) -> str:
    """Which project and which time."""
    window = f"{report.from_ or 'the beginning'} to {report.to or 'now'}"
    return f"{report.project or 'All projects'}, {window} ({report.tz})"


def cells(row: Mapping[str, Any], known_usd: float) -> list[str]:
    """The figures of a row under `TITLES`. `known_usd` is what its share is of."""
    share = f"{float(row['cost_known_usd']) / known_usd:.1%}" if known_usd else NAMELESS
    counts = [f"{row[name]:,}" for name in ("llm_calls", "input_tokens", "output_tokens", "total_tokens")]
    exact = f"{row['quality']['exact'] / row['llm_calls']:.0%}" if row["llm_calls"] else NAMELESS
    return [*counts, money(row), share, exact, str(row.get("errors", 0))]


def known_usd(section: Section) -> float:
    return sum(float(row["cost_known_usd"]) for row in section.rows)


def print_report(console: Console, report: Report) -> None:
    """A table a section."""
    console.print(heading(report), style="bold", markup=False)
    for section in report.sections:
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column(section.by, no_wrap=True)
        for title in TITLES:
            table.add_column(title, justify="right", no_wrap=True)
        for row in section.rows:
            table.add_row(row["key"] or NAMELESS, *cells(row, known_usd(section)))
        console.print()
        console.print(table)


def markdown(report: Report) -> str:
    """The report as GitHub's Markdown."""
    lines = [f"# {_escaped(heading(report))}", ""]
    if report.total is not None:
        total = report.total
        lines += [f"{total['llm_calls']:,} calls, {total['total_tokens']:,} tokens, {money(total)}", ""]
    for section in report.sections:
        lines += [
            f"## By {section.by}",
            "",
            f"| {section.by} | {' | '.join(TITLES)} |",
            f"|---|{'---:|' * len(TITLES)}",
        ]
        whole = known_usd(section)
        lines += [f"| {_escaped(row['key'] or NAMELESS)} | {' | '.join(cells(row, whole))} |" for row in section.rows]
        lines.append("")
    return "\n".join(lines)


def _escaped(text: str) -> str:
    for character in "\\|`*_<>[]":
        text = text.replace(character, f"\\{character}")
    return text.replace("\n", " ")
