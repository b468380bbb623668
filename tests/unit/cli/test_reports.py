"""A report from the API's answers: in a terminal, in Markdown, and as a page that loads nothing."""

import json
import re
from html.parser import HTMLParser
from io import StringIO
from typing import Any

from rich.console import Console

from everytoken.cli.reports.gather import Report, gather
from everytoken.cli.reports.page import html
from everytoken.cli.reports.text import markdown, print_report

QUALITY = {"exact": 3, "partial": 0, "estimated": 0, "missing": 1}
FIGURES: dict[str, Any] = {
    "llm_calls": 4, "input_tokens": 520, "output_tokens": 741, "total_tokens": 1261, "cache_read_tokens": 0,
    "reasoning_tokens": 0, "cost_usd": "0.011284", "cost_known_usd": "0.011284", "unpriced_calls": 0,
    "quality": QUALITY, "errors": 0,
}  # fmt: skip
CHEAP = {**FIGURES, "cost_usd": None, "cost_known_usd": "0.002", "unpriced_calls": 1}


class Api:
    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def get(self, path: str, **params: str | int | None) -> dict[str, Any]:
        self.asked.append((path, params))
        return {"projects": [{"project": "b", **CHEAP}, {"project": "a", **FIGURES}]}

    def view(self, project: str, view: str, **params: str | int | None) -> dict[str, Any]:
        self.asked.append((view, params))
        noon_us = 1_795_348_800_000_000  # 2026-11-22 12:00 UTC, 21:00 in Seoul
        answers: dict[str, dict[str, Any]] = {
            "summary": {"project": project, **FIGURES},
            "settings": {"time_zone": "Asia/Seoul"},
            "nodes": {"nodes": [{"node": "intent", **CHEAP}, {"node": "<answer>|x", **FIGURES}]},
            "models": {"models": [{"model": None, **FIGURES}]},
            "users": {"groups": [{"key": "u", **FIGURES}]},
            "series": {
                "groups": [
                    {"points": [{"start_us": noon_us + 4 * 3_600_000_000, **CHEAP}, {"start_us": noon_us, **FIGURES}]}
                ]
            },
        }
        return answers[view]


def made() -> Report:
    return gather(Api(), "shop", ["node", "model", "user", "day"], from_="2026-11-22", to=None, tz=None)


def test_sections_are_the_dearest_first_and_days_in_their_order() -> None:
    report = made()
    assert {section.by: [row["key"] for row in section.rows] for section in report.sections} == {
        "node": ["<answer>|x", "intent"],
        "model": [None],
        "user": ["u"],
        "day": ["2026-11-22", "2026-11-23"],
    }
    assert report.total is not None
    assert (report.total["total_tokens"], report.tz) == (1261, "Asia/Seoul")


def test_the_window_is_asked_of_every_view() -> None:
    api = Api()
    gather(api, "shop", ["node", "day"], from_="2026-11-22", to="2026-11-23", tz="UTC")
    assert [view for view, _ in api.asked] == ["summary", "nodes", "series"]
    assert all((asked["from"], asked["to"]) == ("2026-11-22", "2026-11-23") for _, asked in api.asked)


def test_without_a_project_all_are_listed() -> None:
    report = gather(Api(), None, ["node"], from_=None, to=None, tz=None)
    assert [(section.by, [row["key"] for row in section.rows]) for section in report.sections] == [
        ("project", ["a", "b"])
    ]
    assert report.total is None


def test_what_is_not_priced_is_told_beside_what_is() -> None:
    text = StringIO()
    print_report(Console(file=text, width=200), made())
    line = next(line for line in text.getvalue().splitlines() if line.startswith("intent"))
    assert line.split() == [
        "intent", "4", "520", "741", "1,261", "≥", "$0.002,", "1", "unpriced", "15.1%", "75%", "0",
    ]  # fmt: skip


def test_markdown_keeps_its_table_whatever_a_name_holds() -> None:
    text = markdown(made())
    row = next(line for line in text.splitlines() if "answer" in line)
    assert row == "| \\<answer\\>\\|x | 4 | 520 | 741 | 1,261 | $0.011284 | 84.9% | 75% | 0 |"
    assert "4 calls, 1,261 tokens, $0.011284" in text


def test_a_page_is_well_formed_and_loads_nothing() -> None:
    page = html(made())
    assert not re.search(r"src=|href=|url\(|@import|<script|https?:", page)
    assert "&lt;answer&gt;|x" in page
    assert "<answer>" not in page
    assert page.count("<svg") == 4
    assert 'aria-label="Cost by day"' in page

    class Balanced(HTMLParser):
        open_tags: list[str] = []  # noqa: RUF012  one instance

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag not in ("meta", "rect"):
                self.open_tags.append(tag)

        def handle_endtag(self, tag: str) -> None:
            if tag != "rect":
                assert self.open_tags.pop() == tag

    parser = Balanced()
    parser.feed(page)
    assert parser.open_tags == []


def test_bars_are_as_long_as_their_cost() -> None:
    widths = [float(width) for width in re.findall(r'<rect x="260" y="[\d.]+" width="([\d.]+)"', html(made()))]
    # 0.011284 fills the 530 px, 0.002 is 94 of them.
    assert widths[:2] == [530.0, 93.9]


def test_json_holds_every_row() -> None:
    told = json.loads(json.dumps(made().as_dict()))
    assert told["sections"][0]["rows"][1] == {"key": "intent", **CHEAP}
    assert (told["project"], told["from"], told["to"], told["tz"]) == ("shop", "2026-11-22", None, "Asia/Seoul")
