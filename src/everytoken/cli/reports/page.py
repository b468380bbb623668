"""A report as one HTML file: tables and charts drawn as SVG, nothing loaded from anywhere, readable in the dark."""

from collections.abc import Mapping
from html import escape
from typing import Any

from everytoken.cli.render import money
from everytoken.cli.reports.gather import Report, Section
from everytoken.cli.reports.text import NAMELESS, TITLES, cells, heading, known_usd

WIDTH, HEIGHT = 880, 180
BAR_ROWS = 12
"""Bars of a section; the table below has all rows."""
LABEL_PX = 260

STYLE = """
:root { color-scheme: light dark; --ink: #1c2024; --dim: #6b7280; --line: #e5e7eb; --bar: #0d9488; --paper: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e8eb; --dim: #9aa1ab; --line: #2b3036; --bar: #2dd4bf; --paper: #14171a; }
}
body { font: 14px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 900px;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.3rem; } h2 { font-size: 1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .5rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; white-space: normal; overflow-wrap: anywhere; }
th { color: var(--dim); font-weight: 500; }
svg { width: 100%; height: auto; } svg text { fill: var(--dim); font-size: 12px; } rect { fill: var(--bar); }
.figures { font-size: 1.1rem; }
""".strip()


def html(report: Report) -> str:
    """The whole page."""
    title = escape(heading(report))
    total = report.total
    figures = (
        f'<p class="figures">{total["llm_calls"]:,} calls · {total["total_tokens"]:,} tokens · '
        f"{escape(money(total))}</p>"
        if total
        else ""
    )
    sections = "\n".join(_section(section) for section in report.sections)
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f'<meta name="viewport" content="width=device-width">\n<style>\n{STYLE}\n</style>\n</head>\n'
        f"<body>\n<h1>{title}</h1>\n{figures}\n{sections}\n</body>\n</html>\n"
    )


def _section(section: Section) -> str:
    chart = _days(section) if section.by == "day" else _bars(section)
    whole = known_usd(section)
    head = "".join(f"<th>{title}</th>" for title in (section.by, *TITLES))
    body = "\n".join(
        f"<tr><td>{escape(row['key'] or NAMELESS)}</td>"
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells(row, whole))
        + "</tr>"
        for row in section.rows
    )
    return (
        f"<h2>By {section.by}</h2>\n{chart}\n"
        f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"
    )


def _days(section: Section) -> str:
    """Known cost a day, or tokens where nothing has a price, as upright bars with their values on hover."""
    if not section.rows:
        return ""
    name = "cost_known_usd" if known_usd(section) else "total_tokens"
    values = [float(row[name]) for row in section.rows]
    top = max(values) or 1.0
    step = WIDTH / len(values)
    bars = "".join(
        f'<rect x="{index * step + step * 0.1:.1f}" y="{HEIGHT - 20 - value / top * (HEIGHT - 40):.1f}" '
        f'width="{step * 0.8:.1f}" height="{value / top * (HEIGHT - 40):.1f}"><title>{_hover(row)}</title></rect>'
        for index, (row, value) in enumerate(zip(section.rows, values, strict=True))
    )
    first, last = escape(section.rows[0]["key"]), escape(section.rows[-1]["key"])
    ends = f'<text x="0" y="{HEIGHT - 4}">{first}</text>'
    if len(values) > 1:
        ends += f'<text x="{WIDTH}" y="{HEIGHT - 4}" text-anchor="end">{last}</text>'
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{_label(name)} by day">{bars}{ends}</svg>'


def _bars(section: Section) -> str:
    """The dearest rows as lying bars with their names."""
    name = "cost_known_usd" if known_usd(section) else "total_tokens"
    rows = [row for row in section.rows if float(row[name])][:BAR_ROWS]
    if not rows:
        return ""
    top = max(float(row[name]) for row in rows)
    room = WIDTH - LABEL_PX - 90
    drawn = "".join(
        f'<text x="0" y="{index * 22 + 15}">{escape(_short(row["key"] or NAMELESS))}</text>'
        f'<rect x="{LABEL_PX}" y="{index * 22 + 3}" width="{float(row[name]) / top * room:.1f}" height="16">'
        f"<title>{_hover(row)}</title></rect>"
        f'<text x="{LABEL_PX + float(row[name]) / top * room + 6:.1f}" y="{index * 22 + 15}">{_value(row, name)}</text>'
        for index, row in enumerate(rows)
    )
    label = f"{_label(name)} by {section.by}"
    return f'<svg viewBox="0 0 {WIDTH} {len(rows) * 22 + 4}" role="img" aria-label="{label}">{drawn}</svg>'


def _label(name: str) -> str:
    return "Cost" if name == "cost_known_usd" else "Tokens"


def _hover(row: Mapping[str, Any]) -> str:
    return escape(f"{row['key'] or NAMELESS}: {money(row)}, {row['total_tokens']:,} tokens, {row['llm_calls']:,} calls")


def _value(row: Mapping[str, Any], name: str) -> str:
    return f"${float(row[name]):.4g}" if name == "cost_known_usd" else f"{row[name]:,}"


def _short(text: str) -> str:
    return text if len(text) <= 38 else f"{text[:37]}…"
