"""Rows to files and back, what a kill leaves behind, and runs made of charges, of LangSmith's rows and of our own."""

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from everytoken.cli.errors import CommandError
from everytoken.cli.exchange.charges import ChargeBook, entry, restored, stand_ins
from everytoken.cli.exchange.columns import from_text, rows_of, table, to_text
from everytoken.cli.exchange.exporting import Asked, Notes, export
from everytoken.cli.exchange.foreign import RowError, langsmith_run, own_run
from everytoken.cli.exchange.importing import Mark
from everytoken.cli.exchange.sinks import Format, Place, open_sink
from everytoken.cli.exchange.sources import find_sources, rows
from everytoken.core.extract import evidence_of
from everytoken.core.run import Run
from everytoken.core.settle import settle

NOON_US = 1_795_348_800_000_000
TRACE, RUN = (str(uuid.UUID(int=n)) for n in (1, 2))


def run_row(**fields: Any) -> dict[str, Any]:
    return {
        "run_id": RUN, "trace_id": TRACE, "parent_run_id": TRACE, "project": "shop", "name": "a,\"b\"\n한",
        "run_type": "llm",
        "start_us": NOON_US, "end_us": NOON_US + 5, "first_token_us": None, "status": "success", "error": None,
        "dotted_order": f"20261122T120000000000Z{TRACE}.20261122T120000000000Z{RUN}", "tags": ["x"],
        "metadata": {"user_id": "u"}, "extra": {"runtime": {}}, "inputs": {"n": 2**70}, "outputs": [1, "zwei"],
        "events": [], "flags": ["dotted_order_derived"], **fields,
    }  # fmt: skip


def charge_row(key: str = "response:r1", **fields: Any) -> dict[str, Any]:
    return {
        "charge_key": key, "project": "shop", "trace_id": TRACE, "run_id": RUN, "run_ids": [RUN], "node": "answer",
        "started_at": NOON_US, "duration_ms": 250.5, "ttft_ms": 0.25, "status": "success", "thread_id": "t",
        "user_id": "u", "session_id": None, "environment": "prod", "release": "1.4.2", "tags": ["x"],
        "call_path": "openai.chat",
        "provider": "openai", "request_model": "gpt-5.2", "response_model": "gpt-5.2-2025-12-11", "response_id": "r1",
        "tier": "flex", "quality": "exact", "layer": "sdk", "layers_seen": ["sdk"], "input_tokens": 1000,
        "output_tokens": 200, "total_tokens": 1200, "input_token_details": {"cache_read": 400},
        "output_token_details": {}, "meters": {"web_search": "2"}, "requests": 1, "usage_source": "provider",
        "usage_warnings": [], "cost_usd": "0.000175", "cost_status": "priced", "cost_reason": None, "cost_lines": [],
        "price_entry": "openai/gpt-5.2", "price_source": "genai-prices 0.2.3", "flags": [], "differences": {},
        "raw_usage": {"prompt_tokens": 1000}, **fields,
    }  # fmt: skip


@pytest.mark.parametrize("row", [run_row(), run_row(inputs=None, parent_run_id=None, tags=[])])
def test_a_run_survives_parquet_and_csv(row: dict[str, Any]) -> None:
    (batch,) = table("runs", [row]).to_batches()
    assert rows_of("runs", batch) == [row]
    assert from_text("runs", dict(zip(row_names("runs"), to_text("runs", row), strict=True))) == row


def test_a_charge_survives_parquet_and_csv_to_the_last_digit() -> None:
    for row in (charge_row(), charge_row(cost_usd=None, input_tokens=None, ttft_ms=None)):
        (batch,) = table("charges", [row]).to_batches()
        assert rows_of("charges", batch) == [row]
        assert from_text("charges", dict(zip(row_names("charges"), to_text("charges", row), strict=True))) == row


def row_names(what: Any) -> list[str]:
    return list(table(what, []).schema.names)


class Api:
    """Pages of two rows; `fails_at` ends the process before the page behind that cursor."""

    def __init__(self, count: int, fails_at: str | None = None) -> None:
        self.rows = [charge_row(f"run:{n}") for n in range(count)]
        self.fails_at = fails_at

    def get(self, path: str, **params: str | int | None) -> dict[str, Any]:
        if params["cursor"] is not None and params["cursor"] == self.fails_at:
            raise KeyboardInterrupt
        at = int(params["cursor"] or 0)
        return {"charges": self.rows[at : at + 2], "next": str(at + 2) if at + 2 < len(self.rows) else None}


def asked(kind: Format, **fields: Any) -> Asked:
    known: dict[str, Any] = {"projects": ["shop"], "from_": None, "to": "9", "whats": ["charges"], **fields}
    return Asked(server="http://127.0.0.1:8700", format=kind, **known)


def written(folder: Path) -> list[str]:
    found = find_sources(folder)
    return [row["charge_key"] for source in found for row in rows(source)]


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_an_export_that_was_ended_goes_on_without_a_row_twice(tmp_path: Path, kind: Format) -> None:
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        export(Api(7, fails_at="4"), Notes.open(out, asked(kind)), "charges", lambda _rows: None)
    _write_more_than_was_noted(out, kind)
    notes = Notes.open(out, asked(kind, to="12"))
    assert notes.progress["charges"].place.rows == 4
    assert notes.asked.to == "9"
    seen: list[int] = []
    path = export(Api(7), notes, "charges", seen.append)
    assert seen == [4, 2, 1]
    assert written(out) == [f"run:{n}" for n in range(7)]
    assert export(Api(0), Notes.open(out, asked(kind)), "charges", seen.append) == path


def _write_more_than_was_noted(out: Path, kind: Format) -> None:
    if kind == "parquet":
        (out / "charges" / "part-000002.parquet").write_bytes(b"half")
        (out / "charges" / "part-000003.partial").write_bytes(b"half")
    else:
        with (out / f"charges.{kind}.partial").open("a") as file:
            file.write('{"charge_key": "run:4"}\n{"cha')


def test_a_name_that_was_given_before_the_note_of_it_is_taken_back(tmp_path: Path) -> None:
    sink = open_sink(tmp_path, "charges", "jsonl", Place())
    place = sink.write([charge_row("run:0")])
    sink.close()
    again = open_sink(tmp_path, "charges", "jsonl", place)
    again.write([charge_row("run:1")])
    again.close()
    assert written(tmp_path) == ["run:0", "run:1"]


def test_a_folder_of_another_export_or_of_something_else_is_refused(tmp_path: Path) -> None:
    Notes.open(tmp_path / "out", asked("jsonl"))
    for other in (asked("csv"), asked("jsonl", projects=["b"]), asked("jsonl", from_="2026-11-01")):
        with pytest.raises(CommandError, match="another export"):
            Notes.open(tmp_path / "out", other)
    with pytest.raises(CommandError, match="is not empty"):
        Notes.open(tmp_path, asked("jsonl"))
    with pytest.raises(CommandError, match="not complete"):
        find_sources(tmp_path / "out")


def test_parquet_has_types_that_other_tools_add_up(tmp_path: Path) -> None:
    sink = open_sink(tmp_path, "charges", "parquet", Place())
    sink.write([charge_row()])
    read = pq.read_table(sink.close())
    assert str(read.schema.field("cost_usd").type) == "decimal128(38, 12)"
    assert read.column("started_at").to_pylist() == [datetime(2026, 11, 22, 12, tzinfo=UTC)]


def settled(wires: Sequence[dict[str, Any]]) -> list[Any]:
    """The charges that the server would make of wire runs."""
    runs = [
        Run(
            run_id=wire["id"], trace_id=wire["trace_id"], project=wire["session_name"], run_type=wire["run_type"],
            parent_run_id=wire.get("parent_run_id"), start_us=NOON_US, status="success", tags=tuple(wire["tags"]),
            metadata=wire["extra"]["metadata"], inputs=wire.get("inputs"), outputs=wire.get("outputs"),
        )
        for wire in wires
    ]  # fmt: skip
    return list(settle(runs, evidence_of).charges)


def test_a_charge_without_its_run_comes_back_as_a_run_that_is_charged_the_same() -> None:
    (wire,) = stand_ins([charge_row()], None)
    (charge,) = settled([wire])
    assert (charge.charge_key, charge.run_id, charge.quality, charge.node) == ("response:r1", RUN, "exact", "answer")
    assert (charge.user_id, charge.thread_id, charge.environment, charge.tags) == ("u", "t", "prod", ("x",))
    assert charge.release == "1.4.2"
    usage = charge.usage
    assert (usage.input_tokens, usage.output_tokens, usage.tier) == (1000, 200, "flex")
    assert (dict(usage.input_token_details), str(usage.meters["web_search"])) == ({"cache_read": 400}, "2")
    assert wire["end_time"] == "2026-11-22T12:00:00.250500+00:00"
    assert wire["first_token_time"] == "2026-11-22T12:00:00.000250+00:00"


def test_several_charges_of_one_run_stay_several_and_keep_their_ids() -> None:
    rows_of_run = [charge_row("run:a", response_id=None), charge_row("run:b", response_id=None, input_tokens=7)]
    wires = stand_ins(rows_of_run, "moved")
    assert wires == stand_ins(rows_of_run, "moved")
    assert sorted(charge.usage.input_tokens for charge in settled(wires)) == [7, 1000]
    assert {wire["session_name"] for wire in wires} == {"moved"}


def test_usage_that_nobody_told_stays_missing() -> None:
    (charge,) = settled(stand_ins([charge_row(input_tokens=None, output_tokens=None, quality="missing")], None))
    assert (charge.quality, charge.usage) == ("missing", None)


def test_a_run_that_lost_its_content_gets_what_it_was_charged_and_a_whole_one_is_left_alone() -> None:
    gone = run_row(inputs=None, outputs=None, flags=["content_dropped"])
    (wire,) = restored(gone, [charge_row()], own_run(gone, None), None)
    assert [charge.usage.input_tokens for charge in settled([wire])] == [1000]
    whole = run_row()
    assert restored(whole, [charge_row()], own_run(whole, None), None) == [own_run(whole, None)]


def test_charges_are_taken_once_and_the_rest_is_by_run(tmp_path: Path) -> None:
    book = ChargeBook(tmp_path)
    book.fill([charge_row("a"), charge_row("b", run_id="other"), charge_row("c", run_id="other")])
    assert [row["charge_key"] for row in book.take(RUN)] == ["a"]
    assert book.take(RUN) == []
    assert [[row["charge_key"] for row in held] for held in book.rest()] == [["b", "c"]]
    book.close()


def test_a_charge_that_is_none_is_named() -> None:
    with pytest.raises(RowError, match="response:r1"):
        entry(charge_row(meters={"web_search": "two"}))


def test_columns_of_langsmith_fill_in_what_the_run_does_not_say() -> None:
    row = {"id": RUN, "trace_id": RUN, "run_type": "llm", "start_time": "2026-11-22T12:00:00", "name": "x",
           "prompt_tokens": 50, "completion_tokens": 5, "completion_token_details": '{"reasoning": 2}',
           "outputs": '{"a": 1}', "extra": None}  # fmt: skip
    wire = langsmith_run(row, "shop")
    assert wire["extra"]["metadata"]["usage_metadata"] == {
        "input_tokens": 50, "output_tokens": 5, "total_tokens": 55, "output_token_details": {"reasoning": 2},
    }  # fmt: skip
    told = {**row, "outputs": {"usage_metadata": {"input_tokens": 9, "output_tokens": 1, "total_tokens": 10}}}
    assert "extra" not in langsmith_run(told, "shop")
    assert "extra" not in langsmith_run({**row, "run_type": "chain"}, "shop")  # a sum over its children


@pytest.mark.parametrize(
    ("fields", "said"),
    [({"id": None}, "without id"), ({"start_time": None}, "start_time"), ({"extra": "{"}, "extra is not JSON")],
)
def test_a_row_that_cannot_be_sent_says_why(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(RowError, match=said):
        langsmith_run({"id": RUN, "run_type": "llm", "start_time": "2026-11-22", **fields}, "shop")


def test_the_state_of_an_import_is_of_one_server(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    Mark(file, "http://a").note("runs.jsonl", 100)
    assert Mark(file, "http://a").done("runs.jsonl") == 100
    assert Mark(file, "http://b").done("runs.jsonl") == 0
    assert json.loads(file.read_text())["server"] == "http://a"
    file.write_text("[]")
    with pytest.raises(CommandError, match="not the state"):
        Mark(file, "http://a")
