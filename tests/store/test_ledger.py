"""The ledger on the real engine: what is written is read back as it was, once, whatever came in which order."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from tests.store.samples import NOON_US, SECOND_US, TRACE, anywhere, charge, opened, run, uid

from everytoken.config import Settings
from everytoken.core.charge import Cost
from everytoken.core.run import Run
from everytoken.core.usage import Usage
from everytoken.store.errors import FolderError, ReadTimeoutError, ReadTooLargeError, StoreUnavailableError
from everytoken.store.evidence import count_in, version_of
from everytoken.store.ledger import Ledger
from everytoken.store.reading import READ_LIMITS
from everytoken.store.rows import ChargeRef, SettledRun

HOSTILE = [
    "it's \"quoted\" \\ and \\' back\\\\slashed",
    "nul \0 inside",
    "tab\tnewline\nreturn\r\x1b[31m",
    "강남역 근처 🧴 분리수거함 👩‍👩‍👧",
    "'; DROP TABLE run_versions; --",
    "{project:String} %s %(x)s {} {{}}",
    "\\N",
    "NULL",
    "",
    " ",
    "\u2028\ufeff\u202etxet",
]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with opened(tmp_path) as ledger:
        yield ledger


def test_the_ledger_lies_where_the_name_of_the_test_says(ledger: Ledger, engine: str) -> None:
    ledger.write([run(TRACE)], [], [])
    kind = "SELECT engine FROM system.tables WHERE database = currentDatabase() AND name = 'run_versions'"

    assert ledger.is_shared == (engine in ("http", "cluster"))
    assert ledger._writer.query(kind).result_rows == [
        ("Distributed" if engine == "cluster" else "AggregatingMergeTree",)
    ]


def test_a_run_is_read_back_as_it_was_written(ledger: Ledger) -> None:
    root = Run(
        run_id=TRACE,
        trace_id=TRACE,
        project="shop",
        name="chat",
        run_type="chain",
        start_us=NOON_US,
        end_us=NOON_US + 1_820_001,
        first_token_us=NOON_US + 400_000,
        status="error",
        error="ValueError('x')",
        dotted_order=f"20261122T120000000000Z{TRACE}",
        tags=("prod", "graph:step:1"),
        metadata={"thread_id": "t1", "nested": {"list": [1, 2.5, None, True, "x"]}},
        extra={"runtime": {"sdk": "langsmith-py"}},
        inputs={"messages": [{"role": "user", "content": "안녕"}]},
        outputs=["a", {"b": 1}],
        events=({"name": "new_token", "time": "2026-11-22T12:00:00.4Z"},),
        flags=("dotted_order_derived",),
    )
    child = Run(run_id=uid(2), trace_id=TRACE, project="shop", parent_run_id=TRACE, start_us=NOON_US + 5, name="llm")
    ledger.write([SettledRun(root), SettledRun(child, node="answer", is_node=True)], [], [])

    assert sorted(ledger.read_trace(TRACE), key=lambda run: run.start_us) == [
        replace(root, events=[*root.events]),
        replace(child),
    ]


def test_what_is_not_known_stays_none(ledger: Ledger) -> None:
    ledger.write([run(TRACE)], [charge("k", None, tokens=None, response_model=None, duration_us=None)], [])

    (stored,) = ledger.read_trace(TRACE)
    assert (stored.end_us, stored.first_token_us, stored.error, stored.inputs, stored.outputs) == (None,) * 5
    assert stored.status == "pending"
    (held,) = ledger.read_charges(anywhere())
    assert (held.usage, held.cost.usd, held.node, held.thread_id, held.response_model) == (None,) * 5
    assert (held.duration_us, held.ttft_us, held.cost.entry) == (None,) * 3


def test_a_charge_is_read_back_with_its_usage_arithmetic_and_differences(ledger: Ledger) -> None:
    written = charge(
        "response:resp_1",
        "0.011284",
        node="answer",
        thread_id="t1",
        user_id="u1",
        session_id="s1",
        environment="prod",
        release="v1.4.2-3-g1a2b3c4",
        tags=("a", "b"),
        layer="sdk",
        layers_seen=("sdk", "framework"),
        response_id="resp_1",
        ttft_us=90_000,
        flags=("layers_disagree",),
        run_ids=(TRACE, uid(7)),
        differences={"output_tokens": {"sdk": 741, "framework": 740}},
        usage=Usage(
            input_tokens=520,
            output_tokens=741,
            input_token_details={"cache_read": 128},
            output_token_details={"reasoning": 64, "audio": 0},
            meters={"web_search": Decimal("2"), "audio_seconds": Decimal("1.25")},
            requests=2,
            source="partial",
            tier="flex",
            raw={"prompt_tokens": 520, "deep": {"x": [1]}},
            warnings=("usage_total_mismatch",),
        ),
        quality="partial",
    )
    ledger.write([], [written], [])

    assert ledger.read_charges(anywhere()) == [written]


@pytest.mark.parametrize("text", HOSTILE, ids=repr)
def test_hostile_text_changes_nothing_but_itself(ledger: Ledger, text: str) -> None:
    settled = run(TRACE, project=text, name=text, error=text, tags=(text,), metadata={text: text}, inputs={text: text})
    billed = charge(text, project=text, node=text, thread_id=text, request_model=text, tags=(text,), flags=(text,))
    ledger.write([settled, run(uid(2))], [billed, charge("other")], [])

    (stored,) = ledger.read_trace(TRACE, text)
    assert (stored.project, stored.name, stored.tags) == (text, text, (text,))
    assert (stored.metadata, stored.inputs) == ({text: text}, {text: text})
    (held,) = ledger.read_charges(anywhere(text))
    assert (held.charge_key, held.project, held.thread_id, held.tags) == (text, text, text, (text,))
    assert len(ledger.read_trace(TRACE)) == 2


def test_a_megabyte_of_text_comes_back_whole(ledger: Ledger) -> None:
    text = "쓰레기 'quote' \\ 🧴" * 50_000
    ledger.write([run(TRACE, name=text, inputs=text, outputs={"answer": text})], [], [])

    (stored,) = ledger.read_trace(TRACE)
    assert stored.name == text
    assert stored.inputs == text
    assert stored.outputs == {"answer": text}


def test_values_no_json_writer_likes_do_not_stop_their_neighbours(ledger: Ledger) -> None:
    deep: object = "bottom"
    for _ in range(600):
        deep = {"down": deep}
    odd = run(TRACE, inputs=deep, outputs={"n": float("nan"), "big": 10**40}, metadata={"text": "lone \ud800 half"})
    ledger.write([odd, run(uid(2), name="neighbour")], [], [])

    by_id = {stored.run_id: stored for stored in ledger.read_trace(TRACE)}
    assert by_id[uid(2)].name == "neighbour"
    assert by_id[TRACE].outputs["big"] == 10**40
    level = by_id[TRACE].inputs
    for _ in range(600):
        level = level["down"]
    assert level == "bottom"


def test_counts_and_money_beyond_reason_are_bounded_or_unknown(ledger: Ledger) -> None:
    absurd = replace(
        charge("absurd"),
        usage=Usage(input_tokens=2**70, output_tokens=-5),
        cost=Cost(usd=Decimal("1e30"), status="priced"),
    )
    endless = replace(charge("endless"), cost=Cost(usd=Decimal("NaN"), status="priced"))
    ledger.write([], [absurd, endless, charge("fine", "0.000000000001")], [])

    held = {charge.charge_key: charge for charge in ledger.read_charges(anywhere())}
    assert held["absurd"].usage is not None
    assert (held["absurd"].usage.input_tokens, held["absurd"].usage.output_tokens) == (2**53 - 1, 0)
    assert held["absurd"].cost.usd is None
    assert held["endless"].cost.usd is None
    assert held["fine"].cost.usd == Decimal("0.000000000001")


def test_the_last_settled_version_wins_in_every_column(ledger: Ledger) -> None:
    first = run(TRACE, name="zzz", status="error", error="later gone", tags=("z",), end_us=NOON_US + 9 * SECOND_US)
    last = run(TRACE, name="aaa", status="success", tags=("a",), end_us=NOON_US + SECOND_US, outputs={"n": 1})
    ledger.write([first], [], [])
    ledger.write([last], [], [])

    (stored,) = ledger.read_trace(TRACE)
    assert (stored.name, stored.status, stored.tags) == ("aaa", "success", ("a",))
    assert stored.end_us == NOON_US + SECOND_US
    assert stored.outputs == {"n": 1}


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_merging_parts_in_any_order_gives_the_same_run(ledger: Ledger, order: tuple[int, int, int]) -> None:
    ledger.write([run(TRACE, name="one", inputs={"v": 1}, metadata={"v": 1})], [], [])
    ledger.write([run(TRACE, name="two", metadata={"v": 2}, end_us=NOON_US + 2)], [], [])
    ledger.write([run(TRACE, name="three", status="success")], [], [])
    table = ledger._writer.query_arrow("SELECT * FROM run_versions ORDER BY version")
    ledger._writer.command(f"TRUNCATE TABLE {ledger._layout.stored('run_versions')}")
    for position in order:
        ledger._writer.insert_arrow("run_versions", table.slice(position, 1))
    before = ledger.read_trace(TRACE)
    ledger._writer.command(f"OPTIMIZE TABLE {ledger._layout.stored('run_versions')} FINAL")

    (stored,) = ledger.read_trace(TRACE)
    assert before == [stored]
    assert (stored.name, stored.status, stored.metadata) == ("three", "success", {"v": 2})
    assert stored.inputs == {"v": 1}, "what a later version did not know is kept"
    assert stored.end_us == NOON_US + 2


def test_a_replay_changes_nothing(ledger: Ledger) -> None:
    runs = [run(TRACE, name="root"), run(uid(2), parent_run_id=TRACE)]
    charges = [charge("a", "0.1"), charge("b", "0.2")]
    for _ in range(3):
        ledger.write(runs, charges, [])

    assert len(ledger.read_trace(TRACE)) == 2
    assert [held.charge_key for held in ledger.read_charges(anywhere())] == ["a", "b"]
    (sums,) = ledger.select("project_charges", project="shop", from_us=0, to_us=NOON_US + 1)
    assert (sums["llm_calls"], sums["known_usd"]) == (2, Decimal("0.3"))


def test_a_settled_charge_replaces_its_provisional_row(ledger: Ledger) -> None:
    ledger.write([], [charge("k", None, tokens=None, status="pending")], [])
    ledger.write([], [charge("k", "0.5")], [])

    (held,) = ledger.read_charges(anywhere())
    assert (held.cost.usd, held.quality, held.status) == (Decimal("0.5"), "exact", "success")


def test_a_tombstone_removes_a_charge_and_a_later_one_brings_it_back(ledger: Ledger) -> None:
    ledger.write([], [charge("gone", "7"), charge("stays", "1")], [])
    ledger.write([], [], [ChargeRef("shop", TRACE, "gone", NOON_US)])
    assert [held.charge_key for held in ledger.read_charges(anywhere())] == ["stays"]
    assert ledger.read_charge_keys(TRACE) == [ChargeRef("shop", TRACE, "stays", NOON_US)]

    ledger._writer.command(f"OPTIMIZE TABLE {ledger._layout.stored('charge_versions')} FINAL")
    assert [held.charge_key for held in ledger.read_charges(anywhere())] == ["stays"]

    ledger.write([], [charge("gone", "7")], [])
    assert [held.charge_key for held in ledger.read_charges(anywhere())] == ["gone", "stays"]


def test_a_charge_that_moves_in_time_is_counted_once(ledger: Ledger) -> None:
    ledger.write([], [charge("k", "1", started_us=NOON_US)], [])
    ledger.write([], [charge("k", "1", started_us=NOON_US + 7)], [ChargeRef("shop", TRACE, "k", NOON_US)])

    assert [held.started_us for held in ledger.read_charges(anywhere())] == [NOON_US + 7]


def test_a_run_is_found_by_its_id(ledger: Ledger) -> None:
    ledger.write([run(TRACE), run(uid(2), project="other")], [], [])

    assert ledger.locate_run(uid(2)) == ("other", TRACE)
    assert ledger.locate_run(uid(3)) is None


def test_versions_go_on_after_a_restart_even_when_the_clock_went_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path) as ledger:
        told = (lambda count: {TRACE: count}) if ledger.is_shared else (lambda _count: None)  # as a flush tells it
        ledger.write([run(TRACE, name="before")], [], [], told(1))
    monkeypatch.setattr("everytoken.store.ledger.time.time_ns", lambda: 0)
    with opened(tmp_path) as ledger:
        ledger.write([run(TRACE, name="after")], [], [], told(2))
        assert [stored.name for stored in ledger.read_trace(TRACE)] == ["after"]


def test_starts_far_from_today_are_stored_and_spread_over_partitions(ledger: Ledger) -> None:
    week_us = 7 * 86_400 * SECOND_US
    starts = [0, -(10**18), 10**18, *(NOON_US - week_us * n for n in range(150))]
    runs = [run(uid(n), start_us=start) for n, start in enumerate(starts)]
    ledger.write(runs, [charge(f"k{n}", started_us=start) for n, start in enumerate(starts)], [])

    assert sorted(stored.start_us for stored in ledger.read_trace(TRACE)) == sorted(starts)
    assert len(ledger.read_charge_keys(TRACE)) == 153


def test_readers_and_the_writer_work_at_the_same_time(ledger: Ledger) -> None:
    problems: list[BaseException] = []

    def write(first: int) -> None:
        for n in range(first, first + 20):
            ledger.write([run(uid(n))], [charge(f"k{n}")], [])

    def read(times: int) -> None:
        for _ in range(times):
            ledger.read_trace(TRACE)

    def guarded(work: Callable[[int], None], argument: int) -> None:
        try:
            work(argument)
        except BaseException as problem:
            problems.append(problem)

    jobs = [(write, 100), (write, 200), *[(read, 20)] * 6]
    threads = [threading.Thread(target=guarded, args=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert problems == []
    assert len(ledger.read_trace(TRACE)) == 40


def test_an_answer_beyond_its_bound_is_refused_not_cut(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger.write([run(uid(n)) for n in range(20)], [], [])
    monkeypatch.setitem(READ_LIMITS, "max_result_rows", 5)

    with pytest.raises(ReadTooLargeError):
        ledger.read_trace(TRACE)


def test_a_read_beyond_its_time_is_stopped(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(READ_LIMITS, "max_execution_time", 0.05)
    endless = "SELECT sum(cityHash64(number)) AS n FROM numbers(1000000000000)"
    monkeypatch.setattr("everytoken.store.reading._text", lambda _name: endless)

    with pytest.raises(ReadTimeoutError):
        ledger.select("slow")


def test_a_write_that_the_engine_refuses_says_so(ledger: Ledger) -> None:
    ledger._writer.command("DROP TABLE run_versions")

    with pytest.raises(StoreUnavailableError, match="refused a write"):
        ledger.write([run(TRACE)], [], [], {TRACE: 1})
    with pytest.raises(StoreUnavailableError, match="refused a read"):
        ledger.read_trace(TRACE)


def test_a_read_beyond_its_memory_is_stopped(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    greedy = "SELECT length(groupArray(cityHash64(number))) AS n FROM numbers(1000000000)"
    monkeypatch.setattr("everytoken.store.reading._text", lambda _name: greedy)

    with pytest.raises(ReadTooLargeError):
        ledger.select("greedy")


def test_a_read_cannot_write(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger.write([run(TRACE)], [], [])
    monkeypatch.setattr("everytoken.store.reading._text", lambda _name: "DROP TABLE run_versions")

    with pytest.raises(StoreUnavailableError):
        ledger.select("drop")
    monkeypatch.undo()
    assert len(ledger.read_trace(TRACE)) == 1


def test_a_ledger_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ledger").write_text("a file where a folder should be")

    with pytest.raises(FolderError, match="ledger"):
        Ledger.open(Settings(data=tmp_path))


def test_what_was_settled_from_more_wins_over_what_is_written_later(ledger: Ledger) -> None:
    ledger.write([run(TRACE, name="whole")], [charge("k", tokens=(9, 1))], [], {TRACE: 8})
    ledger.write([run(TRACE, name="half")], [charge("k", tokens=(5, 5)), charge("stray")], [], {TRACE: 5})
    ledger.write([], [], [ChargeRef("shop", TRACE, "stray", NOON_US)], {TRACE: 8})

    assert [kept.name for kept in ledger.read_trace(TRACE)] == ["whole"]
    (held,) = ledger.read_charges(anywhere())
    assert held.usage is not None
    assert (held.charge_key, held.usage.input_tokens) == ("k", 9)

    time.sleep(0.002)
    ledger.write([], [charge("k", "0.05", tokens=(9, 1))], [], {TRACE: 8})  # the same evidence, at a later price
    assert [kept.cost.usd for kept in ledger.read_charges(anywhere())] == [Decimal("0.05")]


def test_a_version_tells_its_evidence_before_its_time() -> None:
    assert version_of(3, 1_795_348_800_000) == (1 << 63) + (3 << 42) + 1_795_348_800_000
    assert version_of(9, 0) > version_of(8, (1 << 42) - 1) > 1_795_348_800_000_000
    assert [count_in(version) for version in (version_of(9, 5), version_of(10**9, 5), 1_795_348_800_000_000)] == [
        9,
        2_097_151,
        0,
    ]
