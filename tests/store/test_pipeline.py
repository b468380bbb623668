"""From an accepted body to the ledger: merged, settled once, and there again after the process died."""

import itertools
import json
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.store.ingest_world import NOON_US, FlatPricer, MemoryLedger, World, body, patch, post, uid, until, usage

from everytoken.core.settle import Settlement, settle
from everytoken.ingest.line import BusyError
from everytoken.ingest.pipeline import Pipeline
from everytoken.store.errors import StoreUnavailableError
from everytoken.store.journal import JournalFullError
from everytoken.store.rows import SettledRun
from everytoken.wire.body import BodyTooLargeError, BodyUnreadableError

DATA = Path(__file__).parents[1] / "data" / "langsmith"
LLM: dict[str, Any] = {"run_type": "llm", "extra": {"metadata": {"ls_provider": "openai", "ls_model_name": "gpt-5.2"}}}
MINUTE_US = 60_000_000


@pytest.fixture
async def open_world(tmp_path: Path) -> AsyncIterator[Callable[..., World]]:
    opened: list[World] = []

    def open_(ledger: MemoryLedger | None = None, **more: Any) -> World:
        world = World(tmp_path / "data", ledger, **more)
        world.pipeline.start()
        opened.append(world)
        return world

    yield open_
    for world in opened:
        await world.close()


async def test_a_trace_is_stored_with_its_tokens_and_their_price(open_world: Callable[..., World]) -> None:
    world = open_world()
    await world.send(post(1), post(2, parent=1, **LLM))
    await world.send(patch(2, outputs=usage(500, 20)), patch(1, outputs={"answer": "42"}))
    await world.pipeline.flush()
    root, call = world.ledger.run(uid(1)), world.ledger.run(uid(2))
    assert (root.status, root.outputs, root.is_root) == ("success", {"answer": "42"}, True)
    assert (call.status, call.parent_run_id, call.duration_us) == ("success", uid(1), 999_999)
    (charge,) = world.ledger.charges.values()
    assert (charge.usage and charge.usage.total_tokens, str(charge.cost.usd)) == (520, "0.00052")
    assert list(world.control.known) == ["shop"]
    assert world.journal.used_bytes == 0


@pytest.mark.parametrize("name", ["py_langgraph_send.zstd", "js_traceable.gzip"])
async def test_a_captured_request_arrives_whole(open_world: Callable[..., World], name: str) -> None:
    world = open_world()
    boundary = {"py": "0e678b0b4acc43aeb2d2f6ca9d6fec51", "js": "----LangSmithFormBoundarycrvpe0240zb"}[name[:2]]
    await world.pipeline.accept(
        "multipart",
        (DATA / f"{name}.bin").read_bytes(),
        content_type=f"multipart/form-data; boundary={boundary}",
        encoding=name.rpartition(".")[2],
    )
    await world.pipeline.flush()
    stored = list(world.ledger.runs.values())
    if name[:2] == "py":
        assert len(stored) == 17
        assert sorted(s.node for s in stored if s.is_node and s.node) == [
            "inner", "plan", "reduce", "subgraph", "worker", "worker", "worker",
        ]  # fmt: skip
        assert world.ledger.tokens == 120
    else:
        assert sorted((s.run.name, s.run.status) for s in stored) == [
            ("js_err", "error"), ("js_llm", "success"), ("js_root", "success"),
        ]  # fmt: skip
        assert world.ledger.tokens == 3
    assert all(s.run.flags == () for s in stored)


async def test_any_order_of_requests_gives_the_same_trace(tmp_path: Path) -> None:
    requests = [
        (post(1),),
        (post(2, parent=1, outputs={}, **LLM),),
        (patch(2, trace_id=uid(1), outputs=usage(7, 5), inputs={"q": "?"}),),
        (patch(1, trace_id=uid(1), outputs={"a": 1}),),
    ]
    results = set()
    for number, order in enumerate(itertools.permutations(requests)):
        world = World(tmp_path / str(number))
        world.pipeline.start()
        for request in order:
            await world.send(*request)
            await world.pipeline.flush()
        results.add(repr(sorted((s.run for s in world.ledger.runs.values()), key=lambda r: r.run_id)))
        assert len(world.ledger.runs) == 2
        assert (world.ledger.tokens, len(world.ledger.charges)) == (12, 1)
        assert not world.pipeline.gauges()["runs_waiting"]
        await world.close()
    assert len(results) == 1


async def test_a_patch_before_its_post_waits_and_is_kept_by_the_journal(open_world: Callable[..., World]) -> None:
    world = open_world()
    await world.send(patch(2, outputs=usage(1, 2)))
    await world.pipeline.flush()
    assert not world.ledger.runs
    assert world.pipeline.gauges()["runs_waiting"] == 1
    await world.close()
    successor = open_world(world.ledger)
    await successor.send(post(1), post(2, parent=1, **LLM))
    await successor.pipeline.flush()
    assert successor.ledger.run(uid(2)).outputs == usage(1, 2)
    assert successor.ledger.tokens == 3
    await successor.close()
    assert not open_world(world.ledger).journal.backlog.parked


async def test_an_update_whose_post_never_comes_is_stored_after_a_minute(open_world: Callable[..., World]) -> None:
    world = open_world()
    await world.send(patch(2, outputs=usage(1, 2)))
    await world.pipeline.flush()
    world.now_us += MINUTE_US
    await until(lambda: bool(world.ledger.runs))
    run = world.ledger.run(uid(2))
    assert (run.name, run.project, run.outputs, run.flags) == (
        "", "default", usage(1, 2), ("dotted_order_derived", "post_missing"),
    )  # fmt: skip
    await until(lambda: not world.pipeline.gauges()["runs_waiting"])


async def test_the_same_bytes_again_change_nothing_and_are_counted(open_world: Callable[..., World]) -> None:
    world = open_world()
    first = await world.send(post(1), post(2, parent=1, **LLM, outputs=usage(5, 5)))
    again = await world.send(post(1), post(2, parent=1, **LLM, outputs=usage(5, 5)))
    await world.pipeline.flush()
    assert (first.duplicate, again.duplicate, again.operations) == (False, True, 2)
    assert (world.ledger.tokens, world.pipeline.counters.duplicates) == (10, 1)


async def test_the_same_operations_in_other_bytes_change_nothing(open_world: Callable[..., World]) -> None:
    world = open_world()
    await world.send(post(1))
    await world.send(post(1), patch(1, outputs={"a": 1}))
    await world.send(patch(1, outputs={"a": 1}), post(1, outputs={}))
    await world.pipeline.flush()
    writes = world.pipeline.counters.runs_written
    await world.send(patch(1, outputs={"a": 1}), patch(1, outputs={"a": 1}))
    await world.pipeline.flush()
    assert world.ledger.run(uid(1)).outputs == {"a": 1}
    assert world.pipeline.counters.runs_written == writes


async def test_a_run_sent_once_and_whole_is_stored(open_world: Callable[..., World]) -> None:
    world = open_world()
    await world.send(post(1, end_time="2026-11-22T12:00:02Z", outputs=usage(3, 4), **LLM))
    await world.pipeline.flush()
    assert (world.ledger.run(uid(1)).status, world.ledger.tokens) == ("success", 7)


async def test_runs_without_trace_project_or_order_find_their_place(open_world: Callable[..., World]) -> None:
    world = open_world()
    bare: dict[str, Any] = {"trace_id": ..., "session_name": ...}
    for request in (post(3, parent=2, **bare), post(2, parent=1, **bare), post(1, trace_id=...)):
        await world.pipeline.accept("post", body_of(request))
    await world.pipeline.flush()
    runs = [world.ledger.run(uid(n)) for n in (1, 2, 3)]
    assert {(run.trace_id, run.project) for run in runs} == {(uid(1), "shop")}
    stamp = "20261122T120000000001Z"
    assert runs[2].dotted_order == f"{stamp}{uid(1)}.{stamp}{uid(2)}.{stamp}{uid(3)}"
    assert all(run.flags == ("dotted_order_derived",) for run in runs)


async def test_a_dotted_order_that_contradicts_the_ids_is_replaced_and_flagged(
    open_world: Callable[..., World],
) -> None:
    world = open_world()
    await world.send(post(1), post(2, parent=1, dotted_order="nonsense", **LLM, outputs=usage(1, 1)))
    await world.pipeline.flush()
    run = world.ledger.run(uid(2))
    assert run.dotted_order == f"20261122T120000000001Z{uid(1)}.20261122T120000000001Z{uid(2)}"
    assert (run.flags, world.ledger.tokens) == (("dotted_order_derived",), 2)


async def test_a_single_patch_finds_a_run_that_only_the_ledger_knows(open_world: Callable[..., World]) -> None:
    world = open_world()
    await world.send(post(1), post(2, parent=1, **LLM))
    await world.pipeline.flush()
    await world.close()
    successor = open_world(world.ledger)
    await successor.pipeline.accept("patch", body_of(patch(2, outputs=usage(8, 1))), run_id=uid(2))
    await successor.pipeline.flush()
    run = successor.ledger.run(uid(2))
    assert (run.name, run.parent_run_id, run.status, run.project) == ("run 2", uid(1), "success", "shop")
    assert (successor.ledger.tokens, len(successor.ledger.runs)) == (9, 2)


async def test_a_trace_that_left_memory_goes_on_where_it_was(open_world: Callable[..., World]) -> None:
    world = open_world()
    await world.send(post(1), post(2, parent=1, **LLM, outputs=usage(5, 0)))
    await world.pipeline.flush()
    world.now_us += 20 * MINUTE_US
    await world.send(post(50, trace=50))
    await world.pipeline.flush()
    assert world.pipeline.counters.traces_left >= 1
    await world.send(patch(2, trace_id=uid(1), outputs=usage(5, 4)), post(1, outputs={}))
    await world.pipeline.flush()
    assert (world.ledger.tokens, len(world.ledger.charges), len(world.ledger.runs)) == (9, 1, 3)
    assert world.ledger.run(uid(2)).metadata["ls_model_name"] == "gpt-5.2"
    assert world.ledger.reads == [uid(1)]


async def test_an_ended_run_leaves_its_payload_to_the_ledger_and_still_takes_updates(
    open_world: Callable[..., World],
) -> None:
    world = open_world()
    order = f"20261122T120000000001Z{uid(1)}.20261122T120000000001Z{uid(2)}"
    call = post(2, parent=1, **LLM, inputs={"q": "?" * 5000}, dotted_order=order)
    await world.send(post(1), call, patch(2, outputs=usage(5, 4)))
    await world.pipeline.flush()
    held = world.pipeline._flusher.fold
    assert held.size_bytes < 1_500
    await world.send(post(3, parent=2, **LLM, outputs=usage(1, 1)))
    await world.pipeline.flush()
    assert (world.ledger.reads, len(world.ledger.run(uid(2)).inputs["q"])) == ([], 5000)
    await world.send(patch(2, tags=["late"]))
    await world.pipeline.flush()
    run = world.ledger.run(uid(2))
    assert (run.tags, len(run.inputs["q"]), run.outputs) == (("late",), 5000, usage(5, 4))
    assert (world.ledger.reads, len(world.ledger.runs)) == ([uid(1)], 3)


async def test_a_new_trace_asks_nothing_of_the_ledger(open_world: Callable[..., World]) -> None:
    world = open_world()
    for n in range(1, 40):
        await world.send(post(n, trace=n), patch(n))
    await world.pipeline.flush()
    assert (world.ledger.reads, len(world.ledger.runs)) == ([], 39)


async def test_a_charge_that_settlement_no_longer_yields_is_taken_away(open_world: Callable[..., World]) -> None:
    world = open_world()
    await world.send(post(1), post(2, parent=1, **LLM), post(3, parent=1, **LLM, outputs=usage(5, 5)))
    await world.pipeline.flush()
    assert sorted(ref.charge_key for ref in world.ledger.charges) == [f"run:{uid(2)}", f"run:{uid(3)}"]
    await world.send(patch(2, run_type="chain"))
    await world.pipeline.flush()
    assert [ref.charge_key for ref in world.ledger.charges] == [f"run:{uid(3)}"]
    assert world.ledger.tokens == 10


async def test_an_interrupt_is_no_error(open_world: Callable[..., World]) -> None:
    world = open_world()
    await world.send(
        post(1),
        patch(1, error="GraphInterrupt((Interrupt(value='ok?'),))"),
        post(2, trace=2),
        patch(2, error="ValueError('x')"),
    )
    await world.pipeline.flush()
    assert (world.ledger.run(uid(1)).status, world.ledger.run(uid(2)).status) == ("interrupted", "error")


async def test_an_attachment_is_kept_by_its_content_and_named_by_its_run(open_world: Callable[..., World]) -> None:
    world = open_world()
    part = (
        f'--b0undary\r\nContent-Disposition: form-data; name="attachment.{uid(1)}.photo"\r\n'
        "Content-Type: image/png; length=4\r\n\r\n\x00\x01\x02\x03\r\n"
    ).encode()
    await world.pipeline.accept(
        "multipart", part + body(post(1)), content_type="multipart/form-data; boundary=b0undary"
    )
    await world.pipeline.flush()
    sha256 = "054edec1d0211f624fed0cbca9d4f9400b0e491c43742af2c5b0abebf0c990d8"
    assert world.ledger.run(uid(1)).extra["attachment.photo"] == {
        "sha256": sha256,
        "mime_type": "image/png",
        "size_bytes": 4,
    }
    assert (world.settings.data_dir / "attachments" / "05" / sha256).read_bytes() == b"\x00\x01\x02\x03"


async def test_feedback_is_kept(open_world: Callable[..., World]) -> None:
    world = open_world()
    told = f'{{"key":"good","run_id":"{uid(1)}"}}'
    part = f'--b\r\nContent-Disposition: form-data; name="feedback.{uid(9)}"\r\n\r\n{told}\r\n--b--'
    receipt = await world.pipeline.accept("multipart", part.encode(), content_type="multipart/form-data; boundary=b")
    await world.pipeline.flush()
    ((feedback_id, _, data),) = world.journal.feedback().result(5)
    assert (receipt.kept, receipt.operations, feedback_id) == (True, 0, uid(9))
    assert data == f'{{"key":"good","run_id":"{uid(1)}","id":"{uid(9)}"}}'.encode()


async def test_what_the_ledger_refuses_stays_in_the_journal_until_it_takes_it(
    open_world: Callable[..., World],
) -> None:
    world = open_world()

    def away(_runs: object) -> None:
        raise StoreUnavailableError("away")

    world.ledger.fault = away
    await world.send(post(1, outputs=usage(1, 1), **LLM))
    await until(lambda: world.pipeline.counters.ledger_failures >= 2)
    await world.send(post(2, trace=2))
    assert world.journal.used_bytes > 0
    world.ledger.fault = None
    await world.pipeline.flush()
    assert (len(world.ledger.runs), world.ledger.tokens, world.journal.used_bytes) == (2, 2, 0)
    assert world.pipeline.counters.duplicates == 0


async def test_a_trace_that_the_ledger_cannot_take_does_not_stop_the_others(open_world: Callable[..., World]) -> None:
    world = open_world()

    def poisoned(runs: Sequence[SettledRun]) -> None:
        if any(settled.run.trace_id == uid(2) for settled in runs):
            raise TypeError("no column holds this")

    world.ledger.fault = poisoned
    await world.send(post(1), post(2, trace=2), post(3, trace=3))
    await world.pipeline.flush()
    assert sorted(s.run.run_id for s in world.ledger.runs.values()) == [uid(1), uid(3)]
    assert (world.pipeline.counters.dropped, world.journal.used_bytes) == (1, 0)
    await world.send(post(4, trace=4))
    await world.pipeline.flush()
    assert len(world.ledger.runs) == 3


async def test_a_trace_that_cannot_be_settled_keeps_its_runs_and_the_others_their_charges(tmp_path: Path) -> None:
    world = World(tmp_path)

    def brittle(runs: Any, evidence_of: Any) -> Settlement:
        if any(run.trace_id == uid(1) for run in runs):
            raise ZeroDivisionError
        return settle(runs, evidence_of)

    pipeline = Pipeline(
        world.settings, world.journal, world.ledger, world.control, FlatPricer(), world.live,
        lambda: world.now_us, settle=brittle,
    )  # fmt: skip
    world.pipeline = pipeline
    pipeline.start()
    await world.send(post(1, **LLM, outputs=usage(1, 1)), post(2, trace=2, **LLM, outputs=usage(2, 2)))
    await pipeline.flush()
    assert (len(world.ledger.runs), world.ledger.tokens, pipeline.counters.settle_failures) == (2, 4, 1)
    await world.close()


async def test_a_full_journal_refuses_and_loses_nothing_it_took(open_world: Callable[..., World]) -> None:
    world = open_world(max_bytes=4_000)

    def away(_runs: object) -> None:
        raise StoreUnavailableError("away")

    world.ledger.fault = away
    taken = 0
    while world.journal.used_bytes < 3_900:
        taken += 1
        await world.send(post(taken, trace=taken))
    with pytest.raises(JournalFullError):
        await world.send(post(1999, trace=1999, inputs={"q": "more than the hundred bytes that are left" * 3}))
    assert world.pipeline.counters.refused == 1
    world.ledger.fault = None
    await world.pipeline.flush()
    assert len(world.ledger.runs) == taken
    await world.send(post(2000, trace=2000))


async def test_a_stopped_pipeline_has_flushed_and_takes_nothing_more(open_world: Callable[..., World]) -> None:
    world = open_world(interval_ms=5_000)
    await world.send(post(1))
    await world.send(post(2, trace=2))
    await world.close()
    assert len(world.ledger.runs) == 2
    with pytest.raises(BusyError, match="stopping"):
        await world.send(post(3))


async def test_a_body_that_is_wrong_is_counted_and_not_kept(open_world: Callable[..., World]) -> None:
    world = open_world()
    with pytest.raises(BodyUnreadableError):
        await world.pipeline.accept("batch", b"{")
    receipt = await world.pipeline.accept("batch", b'{"post": [{"id": "x"}]}')
    assert (receipt.kept, [r.field for r in receipt.rejections]) == (False, ["id"])
    assert (world.pipeline.counters.rejected, world.pipeline.counters.accepted_bodies) == (2, 0)
    assert world.journal.used_bytes == 0


async def test_a_large_body_is_decoded_beside_the_event_loop_and_bounded(open_world: Callable[..., World]) -> None:
    world = open_world()
    text = "강남역 " * 40_000
    data = body(post(1, inputs={"q": text}))
    await world.pipeline.accept("multipart", data, content_type="multipart/form-data; boundary=b0undary")
    await world.pipeline.flush()
    assert world.ledger.run(uid(1)).inputs == {"q": text}
    with pytest.raises(BodyTooLargeError):
        await world.pipeline.accept("batch", b" " * (world.settings.body_max_bytes + 1))


async def test_watchers_see_each_trace_with_its_totals_so_far(open_world: Callable[..., World]) -> None:
    world = open_world()
    events = world.live.subscribe("shop", 0)
    assert (await anext(events))["type"] == "gap"
    await world.send(post(1, inputs={"messages": [{"role": "user", "content": "hello"}]}))
    await world.pipeline.flush()
    running = await anext(events)
    await world.send(post(2, parent=1, **LLM, outputs=usage(40, 2)), patch(1))
    await world.pipeline.flush()
    ended = await anext(events)
    assert (running["type"], running["project"], running["trace_id"]) == ("trace", "shop", uid(1))
    assert (running["row"]["status"], running["row"]["input_preview"], running["row"]["runs"]) == (
        "pending",
        "hello",
        1,
    )
    assert ended["id"] > running["id"]
    assert (ended["row"]["status"], ended["row"]["total_tokens"], ended["row"]["cost_usd"]) == (
        "success",
        42,
        "0.000042",
    )
    assert (ended["row"]["start_us"], ended["row"]["duration_ms"]) == (NOON_US + 1, 999.999)
    await events.aclose()  # type: ignore[attr-defined]  # an async generator


def body_of(operation: tuple[str, dict[str, Any]]) -> bytes:
    """The JSON body of `POST /runs` or `PATCH /runs/{id}`."""
    return json.dumps(operation[1]).encode()


async def test_an_update_that_came_before_its_create_meets_it_without_asking_the_ledger(
    open_world: Callable[..., World],
) -> None:
    """As under overload, when the body with the creates was refused and came again."""
    world = open_world()
    root = f"20261122T120000000001Z{uid(1)}"
    place = {
        "trace_id": uid(1), "parent_run_id": uid(1), "dotted_order": f"{root}.20261122T120000000001Z{uid(2)}",
        "name": "call", "run_type": "llm", "session_name": "shop", "start_time": "2026-11-22T12:00:00.000001Z",
    }  # fmt: skip
    await world.send(post(1, dotted_order=root), patch(2, outputs=usage(3, 4), **place))
    await world.pipeline.flush()
    assert world.ledger.run(uid(2)).outputs == usage(3, 4)
    await world.send(("post", {"id": uid(2), "inputs": {"q": "?"}, **place}))
    await world.pipeline.flush()
    run = world.ledger.run(uid(2))
    assert (run.inputs, run.outputs, world.pipeline.counters.traces_restored) == ({"q": "?"}, usage(3, 4), 0)
