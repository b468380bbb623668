"""Every query over one table and over two shards gives the same answer: none is left out, and each finds something."""

import re
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any

import pytest
from tests.store.clickhouse_server import CLUSTER, ClickHouse
from tests.store.samples import NOON_US, SECOND_US, charge, run, uid

from everytoken.config import Settings
from everytoken.query.filter.fields import THREAD_SQL
from everytoken.store.ledger import Ledger
from everytoken.store.operations import OperationKey, StoredOperation
from everytoken.store.reading import MAX_ROWS, READ_LIMITS, sql_text

SQL = resources.files("everytoken.store") / "sql"
TABLE = re.compile(r"\b(run_versions|charge_versions|operations|attachments)\b")
HASH = "ab" * 32
LAST = "ffffffff-ffff-ffff-ffff-ffffffffffff"
NIL = "00000000-0000-0000-0000-000000000000"
TRACES = [uid(1000 * number) for number in range(1, 41)]
"""The last five have lost their root."""


IN_ADVANCE = "last_version"
"""Its two subqueries are answered before there is a plan."""
OF_THE_ENGINE = {"broken_parts", "masked_parts"}
"""Ask the engine about itself, and no table of the ledger."""


def queries() -> list[str]:
    """Files that are a whole query over the ledger: the rest are pieces of one, changes, and the schema."""
    texts = {file.name.removesuffix(".sql"): file.read_text() for file in SQL.iterdir() if file.name.endswith(".sql")}
    first = {name: re.sub(r"--.*", "", text).split(maxsplit=1)[0] for name, text in texts.items()}
    return sorted(name for name, word in first.items() if word in ("SELECT", "WITH") and name not in OF_THE_ENGINE)


PARAMETERS: dict[str, Any] = {
    "after": -1, "after_digest": 0, "after_id": NIL, "after_key": "", "after_kind": "", "after_part": 0,
    "after_project": "", "after_run": NIL, "after_trace": NIL, "after_us": -1, "before": 20, "before_us": 2**62,
    "by": "none", "charge_key": None, "charges_from_us": 0, "charges_to_us": 2**62, "chars": 80, "cursor_id": LAST,
    "cursor_key": "", "cursor_run": LAST, "cursor_thread": "", "cursor_us": 2**62, "edges": [0, 1_000_000, 3_000_000],
    "escaped": "asked", "first_us": 0, "from_us": 0, "hashes": [HASH], "id": TRACES[3], "is_root": [0, 1], "k": 5,
    "key": "", "keys": [], "last_us": 2**62, "limit": MAX_ROWS, "max_groups": 100, "monday_us": 0, "node": "answer",
    "offset": 0, "project": "shop", "projects": ["shop", "bank"], "provider": None, "quoted": "asked",
    "releases": ["1.0", "1.1", "1.2"], "roots_from_us": 0, "roots_to_us": 2**62, "run_id": uid(4001),
    "run_ids": [*TRACES, *(uid(1000 * number + 1) for number in range(1, 41))], "sha256": HASH, "shown": ["answer"],
    "starts_us": [NOON_US - 10 * SECOND_US, NOON_US + 20 * SECOND_US], "step_us": 7 * SECOND_US, "text": "t-1",
    "thread_id": "t-1", "threads": ["t-1", "t-2"], "to_us": 2**62, "told": TRACES[:20], "trace_id": TRACES[3],
    "trace_ids": TRACES, "unknown": 2**62, "user": "kim", "week_us": 7 * 86_400 * SECOND_US, "whole": TRACES[:5],
    "sums_from_us": 0, "writer": "elsewhere",
}  # fmt: skip
"""A value of each parameter with which most queries find something."""
OTHERWISE: dict[str, dict[str, Any]] = {
    "charge_versions_of": {"keys": [f"call {number}" for number in range(1, 41)]},
    "explain_notes": {"trace_id": None},
    "explain_lines": {"trace_id": None},
    "explain_totals": {"trace_id": None},
    "charge_page": {"trace_id": None},
    "measures": {"key": "answer"},
    "operations_of": {"after": NIL},
    "node_worst_runs": {"by": "errors"},
    "releases_before": {"from_us": 2**62},
    "search_runs": {"text": "asked", "after_us": 2**62},
    "trace_search": {"text": "asked"},
    "traces_of_user": {"keys": ["user_id"]},
}
FRAGMENTS: dict[str, str] = {
    "after": "1", "where": "1", "order": "start_us, trace_id, run_id", "key": "toString(project)",
    "thread": THREAD_SQL, "payload": ", inputs, outputs, extra", "dimension": "toString(node)", "heads": "is_root = 1",
    "value": "if(end_us.1 > 0, end_us.2 - start_us, NULL)", "beyond": ">", "way": "ASC",
}  # fmt: skip


def whole(name: str) -> str:
    pieces = {"explained": "explained", "rollup": "langsmith_rollup", "charged": "traces_charged"}
    return sql_text(name, {**FRAGMENTS, **{mark: sql_text(piece) for mark, piece in pieces.items()}})


def asked_with(name: str) -> Mapping[str, Any]:
    return {**PARAMETERS, **OTHERWISE.get(name, {})}


def fill(ledger: Ledger) -> None:
    runs, charges = [], []
    for number, trace in enumerate(TRACES, 1):
        at_us, call, failed = NOON_US + number * SECOND_US, uid(1000 * number + 1), number % 7 == 0
        project, thread = ("bank" if number % 9 == 0 else "shop"), f"t-{number % 3}"
        order = f"20261122T120000{number:06}Z{trace}"
        told = {"thread_id": thread, "user_id": "kim" if number % 2 else "lee", "everytoken_dropped": number % 2}
        common: dict[str, Any] = {"trace_id": trace, "project": project, "metadata": told, "tags": ("vip",)}
        if number <= 35:
            named: dict[str, Any] = {
                "name": f"agent {number}",
                "extra": {"attachment.photo": {"sha256": HASH}},
                "dotted_order": order,
            }
            ended: dict[str, Any] = {"end_us": at_us + number * 100_000, "status": "error" if failed else "success"}
            runs.append(run(trace, start_us=at_us, inputs={"q": f"asked {number}"}, **named, **ended, **common))
        runs.append(
            run(
                call,
                parent_run_id=trace,
                start_us=at_us + 1,
                end_us=at_us + 50_000 + number,
                first_token_us=at_us + 10_000 + number,
                run_type="llm",
                node="answer" if number % 2 else "plan",
                is_node=True,
                status="error" if failed else "success",
                error="RateLimitError: 429" if failed else None,
                inputs={"q": f"asked {number}"},
                dotted_order=f"{order}.20261122T120001{number:06}Z{call}",
                **common,
            )
        )
        charges.append(
            charge(
                f"call {number}",
                None if number % 5 == 0 else f"0.0{number}",
                tokens=None if number % 11 == 0 else (number, 2 * number),
                trace_id=trace,
                run_id=call,
                run_ids=(call, trace) if number % 8 == 0 else (call,),
                project=project,
                started_us=at_us,
                node="answer" if number % 2 else "plan",
                thread_id=thread,
                user_id=told["user_id"],
                release=f"1.{number % 3}",
                tags=("vip",),
                flags=("orphan",) if number > 35 else (),
                ttft_us=1000 * number,
                duration_us=2000 * number,
                response_id=f"resp_{number}",
            )
        )
    told_of = [StoredOperation(trace, OperationKey(trace, "post", 7, 0, 1), b"{}") for trace in TRACES]
    ledger.operations.add(told_of, "here")
    ledger.write(runs, charges, [], dict.fromkeys(TRACES, 1))
    ledger.put_attachment(HASH, b"\x00\xff")


@pytest.fixture(scope="module")
def sharded(clickhouse_cluster: ClickHouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A ledger on a cluster of two shards."""
    url = clickhouse_cluster.database()
    data = tmp_path_factory.mktemp("every_query")
    ledger = Ledger.open(Settings(data=data, clickhouse_url=url, clickhouse_cluster=CLUSTER))
    fill(ledger)
    yield ledger
    ledger.close()
    clickhouse_cluster.drop(url)


@pytest.mark.parametrize("name", queries())
def test_two_shards_answer_what_one_table_does(sharded: Ledger, name: str) -> None:
    reader, text = sharded._clients[1], whole(name)
    asked = {key: value for key, value in asked_with(name).items() if f"{{{key}:" in text}

    over_shards, below = (
        reader.query(one, parameters=asked, settings=READ_LIMITS).result_rows
        for one in (text, TABLE.sub(r"\1_local", text))
    )
    plan = [line.strip() for (line,) in reader.query(f"EXPLAIN {text}", parameters=asked).result_rows]

    assert over_shards, f"{name} finds nothing: it needs a line in OTHERWISE, or rows in fill()"
    assert in_any_order(over_shards) == in_any_order(below)
    assert name == IN_ADVANCE or sum("_local)" in line for line in plan) >= 2
    assert not re.search(r"/\*\w+\*/", text)


def in_any_order(value: Any) -> Any:
    """Rows with equal places, and collected values, come in any order; which they are must be the same."""
    if isinstance(value, tuple):
        return tuple(map(in_any_order, value))
    return sorted(map(in_any_order, value), key=repr) if isinstance(value, list) else value


def test_every_file_of_sql_is_a_query_that_is_asked_or_known_to_be_none() -> None:
    files = {file.name.removesuffix(".sql") for file in SQL.iterdir() if file.name.endswith(".sql")}
    assert files - set(queries()) == {
        "schema", *OF_THE_ENGINE,
        "charge_sums", "explained", "latency", "totals", "traces_charged", "traces_found",  # pieces of queries
        "charges_drop", "charges_erase", "content_drop", "runs_drop", "runs_erase",  # changes
    }  # fmt: skip
