"""The live feed in a terminal: what is shown, what is passed over, and what happens when the connection ends."""

import contextlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from everytoken.cli.errors import CommandError
from everytoken.cli.tail import SeenCalls, Wanted, call_line, follow, line

QUALITY = {"exact": 1, "partial": 0, "estimated": 0, "missing": 0}


def trace(trace_id: str = "t1", **fields: Any) -> dict[str, Any]:
    return {
        "trace_id": trace_id, "project": "shop", "name": "chat", "status": "success", "start_us": 1_795_348_800_000_000,
        "duration_ms": 1820.0, "models": ["gpt-5.2"], "thread_id": "th", "user_id": "u", "tags": ["prod"],
        "llm_calls": 1, "total_tokens": 1261, "cost_usd": "0.011284", "cost_known_usd": "0.011284",
        "unpriced_calls": 0, "quality": QUALITY, **fields,
    }  # fmt: skip


class Feed:
    """One list of events a connection; `None` breaks it, and a feed without further connections says stop."""

    def __init__(self, *connections: list[Any]) -> None:
        self.connections = list(connections)
        self.asked: list[int | None] = []

    def live(self, project: str | None, last_id: int | None) -> Iterator[dict[str, Any]]:
        self.asked.append(last_id)
        if not self.connections:
            raise KeyboardInterrupt
        for event in self.connections.pop(0):
            if event is None:
                raise httpx.ReadError("reset")
            yield event

    def get(self, path: str, **params: str | int | None) -> dict[str, Any]:
        if path == "/charges":
            return {"charges": [{"charge_key": "b"}, {"charge_key": "a"}]}
        return {"traces": [trace("new"), trace("old")]}


def event(number: int, row: dict[str, Any]) -> dict[str, Any]:
    return {"id": number, "type": "trace", "row": row}


def rows(feed: Feed, wanted: Wanted | None = None) -> list[str]:
    found: list[str] = []
    with contextlib.suppress(KeyboardInterrupt):
        for row in follow(feed, wanted or Wanted(), lambda _text: None, wait=lambda _s: None):
            found.append(f"{row['trace_id']} {row['status']}")
    return found


def test_a_broken_connection_goes_on_after_the_last_event_and_shows_nothing_twice() -> None:
    feed = Feed([event(7, trace("a")), None], [{}, event(7, trace("a")), event(8, trace("b"))])
    assert rows(feed) == ["a success", "b success"]
    assert feed.asked == [None, 7, 8]


def test_the_waits_between_attempts_double_and_begin_anew_after_success() -> None:
    waits: list[float] = []
    told: list[str] = []
    feed = Feed([{}], [None], [None], [{}], [None])
    with pytest.raises(KeyboardInterrupt):
        list(follow(feed, Wanted(), told.append, wait=waits.append))
    assert waits == [1.0, 2.0, 4.0, 1.0, 2.0]
    assert told == ["the connection ended; trying again"] * 2


def test_a_trace_is_shown_again_when_it_costs_more_or_ends() -> None:
    begun = trace(status="pending", total_tokens=0, cost_known_usd="0")
    feed = Feed([event(1, begun), event(2, begun), event(3, trace(status="pending")), event(4, trace())])
    assert rows(feed) == ["t1 pending", "t1 pending", "t1 success"]


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        (Wanted(model="gpt-5.2"), ["a success"]),
        (Wanted(user="v"), ["b error"]),
        (Wanted(thread="th", tag="prod"), ["a success"]),
        (Wanted(name="CHA"), ["a success"]),
        (Wanted(errors=True), ["b error"]),
        (Wanted(project="other"), []),
    ],
)
def test_a_filter_keeps_what_it_names(wanted: Wanted, shown: list[str]) -> None:
    other = trace("b", status="error", models=["gemini-2.5-flash"], user_id="v", thread_id=None, name="batch", tags=[])
    assert rows(Feed([event(1, trace("a")), event(2, other)]), wanted) == shown


def test_after_a_gap_the_newest_traces_of_the_project_are_read() -> None:
    gap = {"id": 9, "type": "gap", "project": "shop"}
    assert rows(Feed([gap]), Wanted(project="shop")) == ["old success", "new success"]
    assert rows(Feed([gap])) == []


def test_a_server_that_is_not_there_ends_the_command() -> None:
    with pytest.raises(CommandError, match="no answer"):
        next(iter(follow(Feed([None]), Wanted(), lambda _text: None, wait=lambda _s: None)))


def test_a_line_tells_tokens_and_dollars_and_never_a_zero_for_what_is_not_known() -> None:
    assert "1.82 s     1,261 tok    $0.011284" in line(trace()).plain
    unknown = trace(
        llm_calls=1, total_tokens=0, cost_usd=None, cost_known_usd="0", unpriced_calls=1,
        quality={**QUALITY, "exact": 0, "missing": 1},
    )  # fmt: skip
    assert "— tok            —" in line(unknown).plain
    cut = trace(quality={**QUALITY, "partial": 1})
    assert "◐1,261 tok" in line(cut).plain


def test_calls_are_shown_once_in_their_order() -> None:
    seen, feed = SeenCalls(), Feed()
    assert [call["charge_key"] for call in seen.new(feed, trace())] == ["a", "b"]
    assert seen.new(feed, trace()) == []
    call = {"node": "intent", "response_model": None, "request_model": "gpt-5.2", "quality": "exact",
            "input_tokens": 47, "output_tokens": 12, "total_tokens": 59, "cost_usd": "0.00025"}  # fmt: skip
    assert call_line(call).plain.strip() == "intent  gpt-5.2  47+12 tok  $0.00025  exact"
