"""Every view against a slow count in Python, and against every other view: the same charges add up to the same numbers,
over random traces written in several versions, with charges that settlement took back and traces that were deleted."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.store.samples import NOON_US, SECOND_US, charge, opened, run, uid

from everytoken.config import Settings
from everytoken.core.charge import Charge, CostLine
from everytoken.core.sums import sums_of
from everytoken.query.charges import list_charges
from everytoken.query.coverage import read_coverage
from everytoken.query.explain import Cell, Explained, explain
from everytoken.query.facets import VALUES_MAX, read_facets
from everytoken.query.found_traces import TraceQuestion
from everytoken.query.groups import list_groups
from everytoken.query.models import list_models
from everytoken.query.nodes import list_nodes
from everytoken.query.projects import list_projects, summary
from everytoken.query.rows import Totals
from everytoken.query.series import DIMENSIONS, Dimension, Split, class_of, read_series
from everytoken.query.totals import totals
from everytoken.query.trace_rows import ChargeRow
from everytoken.query.traces import Wanted, list_traces
from everytoken.query.window import Window
from everytoken.store.control import Control
from everytoken.store.ledger import Ledger
from everytoken.store.rows import ChargeRef, SettledRun

TRACES = 40
MINUTE_US = 60 * SECOND_US
ALL = Window()
MIDDLE = Window(NOON_US + 10 * MINUTE_US, NOON_US + 30 * MINUTE_US)
LINES = ("input", "cache_read", "cache_write_5m", "output", "reasoning", "web_search")


class Shop:
    """What the ledger holds in the end: each run and charge as it was told last, without the charges that went."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.runs: dict[str, SettledRun] = {}
        self.charges: dict[str, Charge] = {}

    def write(self, ledger: Ledger) -> None:
        for _ in range(3):
            runs = [self._run(number) for number in range(1, 2 * TRACES + 1) if self.random.random() < 0.7]
            charges = [self._charge(number) for number in range(3 * TRACES) if self.random.random() < 0.6]
            ledger.write(runs, charges, [])
            self.runs |= {settled.run.run_id: settled for settled in runs}
            self.charges |= {held.charge_key: held for held in charges}
        gone = self.random.sample(sorted(self.charges), 10)
        refs = [ChargeRef("shop", held.trace_id, key, held.started_us) for key in gone if (held := self.charges[key])]
        ledger.write([], [], refs)
        for key in gone:
            del self.charges[key]
        deleted = {uid(root) for root in self.random.sample(range(1, TRACES + 1), 3)}
        ledger.delete("shop", sorted(deleted))
        self.runs = {key: settled for key, settled in self.runs.items() if settled.run.trace_id not in deleted}
        self.charges = {key: held for key, held in self.charges.items() if held.trace_id not in deleted}

    def _run(self, number: int) -> SettledRun:
        """Roots 1 to `TRACES`, one minute apart, each with a child. What has ended stays so."""
        root = (number - 1) % TRACES + 1
        start_us = NOON_US + root * MINUTE_US
        before = self.runs.get(uid(number))
        ended = self.random.random() < 0.5 or (before is not None and before.run.end_us is not None)
        fields: dict[str, Any] = {
            "name": self.random.choice(("chat", "search", "plan")),
            "status": self.random.choice(("success", "error")) if ended else "pending",
            "end_us": start_us + 1 + self.random.randrange(SECOND_US) if ended else None,
            "tags": tuple(self.random.choices("abc", k=self.random.randrange(1, 4))),
        }
        if number <= TRACES:
            return run(uid(root), trace_id=uid(root), start_us=start_us, **fields)
        return run(uid(number), trace_id=uid(root), parent_run_id=uid(root), start_us=start_us + 5, **fields)

    def _charge(self, number: int) -> Charge:
        """Of one call in a trace; its place is the same in every version, all else may change."""
        root, pick = number % TRACES + 1, self.random.choice
        made = charge(
            f"key-{number}",
            pick(("0.5", None)),
            tokens=pick(((100, 20), (7, 1), None)),
            trace_id=uid(root),
            run_id=uid(root),
            started_us=NOON_US + root * MINUTE_US + number,
            node=pick((None, "plan", "answer")),
            user_id=pick((None, "kim", "lee", "한")),
            environment=pick((None, "prod")),
            release=pick((None, "1.0", "1.1")),
            provider=pick(("openai", "google", None)),
            call_path=pick(("openai.chat.create", "gemini.generate")),
            response_model=pick((None, "gpt-5.2-2025-12-11")),
        )
        lines = tuple(
            CostLine(name, Decimal(3), Decimal("1.5"), 1_000_000, Decimal(self.random.randrange(10**9)) / 10**12)
            for name in self.random.sample(LINES, self.random.randrange(len(LINES)))
        )
        return made if made.cost.usd is None else replace(made, cost=replace(made.cost, lines=lines))

    def heads(self, window: Window) -> dict[str, SettledRun]:
        """Of each trace its root, else its child; those that began within the window."""
        heads: dict[str, SettledRun] = {}
        for settled in sorted(self.runs.values(), key=lambda settled: not settled.run.is_root):
            heads.setdefault(settled.run.trace_id, settled)
        bounds = window.params()
        within = range(bounds["from_us"], bounds["to_us"])
        return {trace_id: head for trace_id, head in heads.items() if head.run.start_us in within}


def _values(head: SettledRun, charges: Sequence[Charge]) -> set[tuple[str, str]]:
    run = head.run
    found = {("status", run.status), ("name", run.name), *(("tag", tag) for tag in run.tags)}
    for held in charges:
        found |= {
            ("model", held.response_model or held.request_model or ""),
            ("node", held.node or ""),
            ("user", held.user_id or ""),
            ("environment", held.environment or ""),
            ("release", held.release or ""),
            ("quality", held.quality),
            ("cost_status", held.cost.status),
            ("provider", held.provider or ""),
            ("call_path", held.call_path),
        }
    return {(name, value) for name, value in found if value}


@pytest.fixture(params=[1, 2])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Shop, Ledger, Control]]:
    shop = Shop(request.param)
    with opened(tmp_path) as ledger:
        control = Control.open(Settings(data=tmp_path))
        control.ensure_project("shop", NOON_US)
        shop.write(ledger)
        yield shop, ledger, control
        control.close()


def test_facets_summary_and_series_are_what_counting_one_by_one_gives(shop: tuple[Shop, Ledger, Control]) -> None:
    held, ledger, control = shop
    for window in (ALL, MIDDLE):
        _check_facets(held, ledger, control, window)
        _check_summary(held, ledger, control, window)
    _check_series(held, ledger, control)


def _check_facets(held: Shop, ledger: Ledger, control: Control, window: Window) -> None:
    by_trace: dict[str, list[Charge]] = defaultdict(list)
    for one in held.charges.values():
        by_trace[one.trace_id].append(one)
    heads = held.heads(window)
    tokens = {
        trace_id: sum(
            one.usage.input_tokens + one.usage.output_tokens for one in by_trace[trace_id] if one.usage is not None
        )
        for trace_id in heads
    }
    asked = {
        None: heads,
        'eq(status, "error")': {t: head for t, head in heads.items() if head.run.status == "error"},
        "gt(total_tokens, 100)": {t: head for t, head in heads.items() if tokens[t] > 100},
    }
    for text, found in asked.items():
        expected = Counter(pair for t, head in found.items() for pair in _values(head, by_trace[t]))
        answer = read_facets(ledger, control, lambda _tests: [], TraceQuestion("shop", window, text), limit=VALUES_MAX)
        assert answer.traces == len(found)
        assert {(f.field, v.value): v.traces for f in answer.facets for v in f.values} == dict(expected)


def _check_summary(held: Shop, ledger: Ledger, control: Control, window: Window) -> None:
    bounds = window.params()
    within = range(bounds["from_us"], bounds["to_us"])
    runs = [settled.run for settled in held.runs.values() if settled.run.start_us in within]
    charges = [one for one in held.charges.values() if one.started_us in within]
    answer = summary(ledger, control, "shop", window)
    assert (answer.runs, answer.traces) == (len(runs), sum(run.is_root for run in runs))
    assert answer.errors == sum(run.is_root and run.status == "error" for run in runs)
    assert answer.llm_calls == len(charges)
    assert Decimal(answer.cost_known_usd) == sum((one.cost.usd or Decimal(0) for one in charges), Decimal(0))


FIGURES = ("llm_calls", "input_tokens", "output_tokens", "total_tokens", "cache_read_tokens", "reasoning_tokens",
           "unpriced_calls")  # fmt: skip
WINDOWS = (ALL, MIDDLE, Window(to_us=NOON_US + 20 * MINUTE_US), Window(NOON_US + 60 * MINUTE_US))
ZONES = ("UTC", "Asia/Kolkata", "America/New_York")


def figures(*parts: Totals) -> tuple[Any, ...]:
    """What some rows add up to: counts, known money, and whether a part of it is unknown."""
    counts = tuple(sum(getattr(part, name) for part in parts) for name in FIGURES)
    kinds = tuple(sum(getattr(part.quality, name) for part in parts) for name in ("exact", "partial", "missing"))
    known = sum((Decimal(part.cost_known_usd) for part in parts), Decimal(0))
    return counts, kinds, known, any(part.cost_usd is None for part in parts)


def test_every_view_of_a_window_adds_up_to_the_same_numbers(shop: tuple[Shop, Ledger, Control]) -> None:
    for window in WINDOWS:
        _check_views(*shop, window)


def _check_views(held: Shop, ledger: Ledger, control: Control, window: Window) -> None:
    bounds = window.params()
    wanted = figures(totals(sums_of(c for c in held.charges.values() if c.started_us in range(*bounds.values()))))
    about = (ledger, control, "shop", window)
    nodes = list_nodes(*about)
    dimensions = [by for by in DIMENSIONS if by not in ("class", "tag")]
    views: dict[str, tuple[Any, ...]] = {
        "summary": figures(summary(*about)),
        "projects": figures(*list_projects(ledger, control, window).projects),
        "nodes": figures(nodes.outside, *nodes.nodes),
        "models": figures(*list_models(*about).models),
        "users": figures(*list_groups(*about, by="user").groups),
        "threads": figures(*list_groups(*about, by="thread").groups),
        "coverage": figures(*read_coverage(*about).paths),
        "coverage as a whole": figures(read_coverage(*about)),
        "explained": figures(explain(ledger, control, Explained(project="shop", window=window))),
        **{f"series by {by} in {zone}": _of_series(*about, by, zone) for by in dimensions for zone in ZONES},
    }
    assert {name: found for name, found in views.items() if found != wanted} == {}
    rows = _all_charges(*about)
    assert sorted(row.charge_key for row in rows) == sorted(
        key for key, one in held.charges.items() if one.started_us in range(*bounds.values())
    )
    assert len(rows) == wanted[0][0]
    assert sum((Decimal(row.cost_usd or 0) for row in rows), Decimal(0)) == wanted[2]


def _of_series(
    ledger: Ledger, control: Control, project: str, window: Window, by: Dimension, zone: str
) -> tuple[Any, ...]:
    """Of two groups apart and the rest as one, in buckets of an hour."""
    split = Split(by=by, bucket="hour", zone=ZoneInfo(zone), top=2)
    now_us = NOON_US + 24 * 60 * MINUTE_US
    answer = read_series(ledger, control, project, window, split, now_us=now_us)
    points = [point for group in answer.groups for point in group.points]
    assert {point.start_us for point in points} <= set(answer.starts_us)
    return figures(*points)


def _all_charges(ledger: Ledger, control: Control, project: str, window: Window) -> list[ChargeRow]:
    rows: list[ChargeRow] = []
    cursor: str | None = None
    while True:
        page = list_charges(ledger, control, window, project=project, cursor=cursor, limit=7)
        rows += page.charges
        cursor = page.next
        if cursor is None:
            return rows


def test_traces_that_a_filter_finds_add_up_to_their_charges(shop: tuple[Shop, Ledger, Control]) -> None:
    held, ledger, control = shop
    for text in ("gt(total_tokens, 100)", 'eq(status, "error")', 'eq(model, "gpt-5.2-2025-12-11")'):
        rows = list_traces(ledger, control, "shop", ALL, Wanted(text), limit=100).traces
        found = {row.trace_id for row in rows}
        charges = [one for one in held.charges.values() if one.trace_id in found]
        assert 0 < len(found) < len(held.heads(ALL)), text
        assert figures(*rows) == figures(totals(sums_of(charges))), text


CELLS: tuple[tuple[Cell, str], ...] = (
    ("model", "gpt-5.2-2025-12-11"), ("node", "plan"), ("node", ""), ("user", "한"), ("user", ""), ("release", "1.1"),
    ("provider", "google"), ("call_path", "gemini.generate"), ("quality", "exact"),
)  # fmt: skip


def test_a_cell_is_explained_by_the_number_that_the_series_shows(shop: tuple[Shop, Ledger, Control]) -> None:
    _, ledger, control = shop
    for by, key in CELLS:
        split = Split(by=by, bucket="day", zone=ZoneInfo("UTC"), top=20)
        answer = read_series(ledger, control, "shop", ALL, split, now_us=NOON_US + 24 * 60 * MINUTE_US)
        (group,) = (group for group in answer.groups if (group.key or "") == key and not group.other)
        told = explain(ledger, control, Explained(project="shop", window=ALL, by=by, key=key))
        assert figures(told) == figures(*group.points), (by, key)
        lines = sum((Decimal(row.usd) for row in told.rows), Decimal(0))
        assert lines + Decimal(told.rest_usd) + Decimal(told.rounding_usd) == Decimal(told.cost_known_usd)


def _check_series(held: Shop, ledger: Ledger, control: Control) -> None:
    window = Window(NOON_US, NOON_US + 60 * MINUTE_US)
    split = Split(by="class", bucket="hour", zone=ZoneInfo("UTC"), top=8)
    expected: dict[str, Decimal] = defaultdict(Decimal)
    for one in held.charges.values():
        for line in one.cost.lines if one.cost.usd is not None else ():
            expected[class_of(line.token_class)] += line.usd
    answer = read_series(ledger, control, "shop", window, split, now_us=NOON_US)
    shown = {group.key: Decimal(point.cost_known_usd) for group in answer.groups for point in group.points}
    assert {key: usd for key, usd in shown.items() if usd} == {key: usd for key, usd in expected.items() if usd}
