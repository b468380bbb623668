"""The live feed: in order, resumable, bounded, and honest about what it no longer has."""

import asyncio
from typing import Any

import pytest

from everytoken.ingest import live
from everytoken.ingest.live import LiveFeed, LiveFullError


def feed(max_events: int = 100) -> LiveFeed:
    return LiveFeed(max_events=max_events, clock_us=lambda: 1000)


def event(project: str = "shop", trace_id: str = "t") -> dict[str, Any]:
    return {"type": "trace", "project": project, "trace_id": trace_id, "row": {}}


async def take(source: Any, count: int) -> list[Any]:
    async with asyncio.timeout(5):
        return [await anext(source) for _ in range(count)]


async def test_events_come_in_order_with_growing_ids() -> None:
    events = feed()
    source = events.subscribe("shop", None)
    waiting = asyncio.ensure_future(take(source, 3))
    await asyncio.sleep(0)
    for name in "abc":
        await asyncio.to_thread(events.publish, event(trace_id=name))
    assert [(e["id"], e["trace_id"]) for e in await waiting] == [(1000, "a"), (1001, "b"), (1002, "c")]


async def test_one_project_s_watcher_sees_only_its_events() -> None:
    events = feed()
    source = events.subscribe("shop", 999)
    for project in ("other", "shop", "other", "shop"):
        events.publish(event(project))
    assert [e["id"] for e in await take(source, 2)] == [1001, 1003]
    everything = events.subscribe(None, 999)
    assert [e["id"] for e in await take(everything, 4)] == [1000, 1001, 1002, 1003]


async def test_who_comes_back_goes_on_after_the_last_event_seen() -> None:
    events = feed()
    for _ in range(5):
        events.publish(event())
    assert [e["id"] for e in await take(events.subscribe("shop", 1002), 2)] == [1003, 1004]


async def test_who_was_away_too_long_is_told_of_the_gap_first() -> None:
    events = feed(max_events=3)
    for _ in range(10):
        events.publish(event())
    first, *rest = await take(events.subscribe("shop", 1001), 4)
    assert (first["id"], first["type"]) == (1006, "gap")
    assert [e["id"] for e in rest] == [1007, 1008, 1009]


async def test_a_slow_watcher_skips_with_a_gap_and_holds_up_no_one() -> None:
    events = feed(max_events=2)
    source = events.subscribe(None, 999)
    events.publish(event())
    assert (await take(source, 1))[0]["id"] == 1000
    for _ in range(50):
        events.publish(event())
    gap, *rest = await take(source, 3)
    assert (gap["type"], [e["id"] for e in rest]) == ("gap", [1049, 1050])


async def test_an_id_of_an_earlier_process_is_a_gap() -> None:
    events = feed()
    (gap,) = await take(events.subscribe("shop", 5), 1)
    assert (gap["id"], gap["type"], gap["project"]) == (999, "gap", "shop")


async def test_closing_ends_every_subscription_and_frees_its_place() -> None:
    events = feed()

    async def watch() -> int:
        return len([e async for e in events.subscribe(None, None)])

    watchers = [asyncio.ensure_future(watch()) for _ in range(3)]
    await asyncio.sleep(0)
    assert events.subscribers == 3
    events.publish(event())
    await asyncio.sleep(0.01)
    events.close()
    assert await asyncio.wait_for(asyncio.gather(*watchers), 5) == [1, 1, 1]
    assert events.subscribers == 0


async def test_more_watchers_than_there_is_room_for_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MAX_SUBSCRIBERS", 1)
    events = feed()
    source = events.subscribe(None, 999)
    events.publish(event())
    await take(source, 1)
    with pytest.raises(LiveFullError):
        await take(events.subscribe(None, None), 1)
    await source.aclose()  # type: ignore[attr-defined]  # an async generator


async def test_what_nobody_watched_is_a_gap_for_whoever_comes_back() -> None:
    events = feed()
    events.publish(event())
    events.pass_over()
    (gap,) = await take(events.subscribe("shop", 1000), 1)
    assert (gap["id"], gap["type"]) == (1001, "gap")


async def test_the_feed_is_watched_from_the_first_watcher_until_a_minute_after_the_last() -> None:
    events = feed()
    watched = [events.is_watched]
    source = events.subscribe("shop", 999)
    events.publish(event())
    await take(source, 1)
    watched.append(events.is_watched)
    events.close()
    assert [e async for e in source] == []
    watched.append(events.is_watched)
    assert watched == [False, True, True], "who lost the connection comes back within seconds"


async def test_who_saw_a_later_time_than_this_server_is_told_of_the_gap_and_goes_on() -> None:
    events = feed()
    source = events.subscribe("shop", 5_000)  # of an earlier process, before the clock was set back
    events.publish(event(trace_id="a"))
    assert [(e["id"], e["type"]) for e in await take(source, 2)] == [(999, "gap"), (1000, "trace")]
