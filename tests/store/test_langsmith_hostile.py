"""Hostile filters against a real ledger: each is answered, none reads or harms what it must not."""

import uuid
from pathlib import Path

import pytest
from tests.store.samples import NOON_US, TRACE, charge, opened, run, uid
from tests.store.serving import serving

from everytoken.config import Settings
from everytoken.query.cursors import write_cursor
from everytoken.query.filter.errors import FilterError
from everytoken.query.filter.fields import FIELDS, PAIRS
from everytoken.query.filter.tree import Compare, Literal, Not, Search, write
from everytoken.query.langsmith_runs import RunQuestion, RunReader
from everytoken.store.control import Control

HOSTILE = (
    "x' OR 1=1 --",
    '"; DROP TABLE run_versions; --',
    "{f0:String}",
    "{where}/*where*/",
    "\\",
    "%",
    "%s %(name)s",
    "\0",
    "강남 🧴",
    "a.b.c.",
    "x" * 5_000,
)


@pytest.fixture
def reader(tmp_path: Path):  # type: ignore[no-untyped-def]  # a generator of pytest's
    control = Control.open(Settings(data=tmp_path))
    control.ensure_project("shop", NOON_US)
    with opened(tmp_path) as ledger:
        rows = [
            run(TRACE, dotted_order=f"20261122T120000000000Z{TRACE}", metadata={"k": "v"}),
            run(uid(2), name="HOSTILE", tags=HOSTILE, parent_run_id=TRACE,
                metadata={text: text for text in HOSTILE},
                dotted_order=f"20261122T120000000000Z{TRACE}.20261122T120000000000Z{uid(2)}"),
        ]  # fmt: skip
        ledger.write(rows, [charge("one")], [])
        yield RunReader(ledger, control, lambda tests: control.annotations.runs_with_feedback(
            [(test.name, test.operator, test.value) for test in tests]
        ))  # fmt: skip
    control.close()


def ids(reader: RunReader, text: str) -> list[str]:
    return [record.run.run_id for record in reader.page(RunQuestion(filter=text), limit=10).records]


def test_hostile_text_finds_exactly_the_run_that_carries_it(reader: RunReader) -> None:
    for text in HOSTILE:
        assert ids(reader, write(Compare("has", Literal("tags"), Literal(text)))) == [uid(2)]
        assert ids(reader, write(Compare("eq", Literal("metadata_key"), Literal(text)))) == [uid(2)]
        assert ids(reader, write(Compare("eq", Literal("metadata_value"), Literal(text)))) == [uid(2)]
        assert ids(reader, write(Compare("eq", Literal("name"), Literal(text)))) == []
        assert ids(reader, write(Not(Compare("has", Literal("tags"), Literal(text))))) == [TRACE]


def test_every_field_and_operator_is_answered_or_refused(reader: RunReader) -> None:
    values = (HOSTILE[0], "\\", 5, True, None, ("x", None), (uid(2),), ())
    answered = 0
    for name in (*FIELDS, *PAIRS):
        for operator in ("eq", "neq", "gt", "lte", "like", "in", "has", "exists"):
            for value in values:
                if isinstance(value, tuple) != (operator == "in"):
                    continue
                try:
                    ids(reader, write(Compare(operator, Literal(name), Literal(value))))
                    answered += 1
                except FilterError:
                    pass
    assert answered > 150
    for text in HOSTILE:
        ids(reader, write(Search(None, Literal(text))))
    assert ids(reader, "eq(is_root, true)") == [TRACE]


def test_the_longest_filters_are_answered_or_refused_where_they_are_too_long(reader: RunReader) -> None:
    """Never sent to a store that refuses them: a client would ask again and again."""
    terms: tuple[tuple[str, list[str]], ...] = (
        ('eq(thread_id, "t-{0}")', []),
        ('and(eq(metadata_key, "a.b.c"), neq(metadata_value, "{0}"))', []),
        ("gt(total_cost, {0})", [TRACE]),  # its one charge was 0.01
        ('eq(feedback_key, "k{0}")', []),
        ('has(metadata, \'{{"k{0}": {{"a": {{"b": ""}}}}}}\')', []),
    )
    for term, expected in terms:
        with pytest.raises(FilterError) as refused:
            reader.condition(RunQuestion(filter=_any(term, 660)))
        longest = _any(term, 660)[: refused.value.position].count(term[:5])
        assert longest >= 20
        assert ids(reader, _any(term, longest)) == expected


def _any(term: str, count: int) -> str:
    return f"or({', '.join(term.format(number) for number in range(count))})"


def test_sums_in_filters_are_those_of_the_subtree(reader: RunReader) -> None:
    assert ids(reader, "eq(total_tokens, 120)") == [TRACE]
    assert ids(reader, "lt(total_tokens, 120)") == [uid(2)]
    assert ids(reader, "eq(prompt_cost, 0.000175)") == [TRACE]
    assert ids(reader, "neq(total_cost, null)") == [TRACE]


def test_bad_requests_are_answered_4xx_and_never_5xx(tmp_path: Path) -> None:
    some = str(uuid.UUID(int=5))
    with serving(tmp_path / "data") as server:
        default = server.http.get("/sessions").json()[0]["id"]
        assert server.get("/projects")["projects"] == []  # the one that exists from the start holds nothing yet
        token = f'{{"run_id": "{some}", "feedback_key": "k", "expires_in": {{"days": 3000000}}}}'
        bad: list[tuple[str, str, str, int]] = [
            ("POST", "/runs/query", "{", 422),
            ("POST", "/runs/query", "[]", 422),
            ("POST", "/runs/query", '{"limit": 0}', 422),
            ("POST", "/runs/query", '{"id": ["x"]}', 422),
            ("POST", "/runs/query", '{"start_time": "soon"}', 422),
            ("POST", "/runs/query", '{"cursor": "!"}', 400),
            ("POST", "/runs/query", f'{{"cursor": "{write_cursor(1, some, "x")}"}}', 400),
            ("POST", "/runs/query", f'{{"session": ["{some}"]}}', 404),
            ("POST", "/runs/query", '{"filter": "eq(name, \\"\\\\ud800\\")"}', 400),
            ("POST", "/runs/query", '{"run_type": "a\\ud800b"}', 200),
            *(
                ("POST", path, f'{{"name": "d", "session_id": "{default}", "{field}": {{"a": {deep}}}}}', 400)
                for deep in ("[" * 300 + "]" * 300, "[" * 900 + "]" * 900, "[" * 100_000)
                for path, field in (("/sessions", "extra"), ("/runs/delete", "metadata"))
            ),
            ("POST", "/sessions", '{"name": "n", "description": "a\\ud800"}', 200),
            ("POST", "/sessions", f'{{"name": "other", "id": "{default}"}}', 409),
            ("POST", "/feedback", '{"key": "k"}', 422),
            ("POST", "/feedback", f'{{"key": "k", "run_id": "{some}", "score": 1e400}}', 422),
            ("POST", "/feedback", f'{{"key": "k", "run_id": "{some}", "comment": "half \\ud83d of it"}}', 200),
            ("POST", "/feedback", f'{{"key": "k", "run_id": "{some}", "comment": {{}}}}', 422),
            ("POST", "/feedback", f'{{"key": "k", "run_id": "{some}", "feedback_source": {{"type": [1]}}}}', 422),
            ("POST", "/feedback", f'{{"key": "k", "run_id": "{some}", "comparative_experiment_id": 5}}', 422),
            ("POST", "/feedback", f'{{"key": "k", "run_id": "{some}", "id": "{some}", "value": {{"a": [1]}}}}', 200),
            ("PATCH", f"/feedback/{some}", '{"comment": {"a": 1}}', 422),
            ("PATCH", f"/feedback/{some}", '{"score": 1e400}', 422),
            ("PATCH", f"/feedback/{some}", '{"score": "much"}', 422),
            ("PATCH", f"/feedback/{some}", '{"value": "\\ud83d", "score": true}', 200),
            ("GET", f"/feedback/{some}", "", 200),
            ("POST", "/feedback-configs", '{"feedback_key": "k", "feedback_config": {"type": "stars"}}', 422),
            ("POST", "/feedback-configs", '{"feedback_key": "k"}', 422),
            ("DELETE", "/feedback-configs", "", 422),
            ("POST", "/feedback/tokens", token, 422),
            ("GET", "/feedback?offset=99999999999999999999", "", 422),
            ("GET", "/sessions?metadata=x", "", 422),
            ("GET", f"/attachments/aa?mime_type=a&expires={'9' * 20}&signature=x", "", 403),
            ("GET", f"/public/{some}/run", "", 404),
            ("DELETE", f"/sessions/{some}", "", 404),
            ("POST", "/api/v2/threads/query", f'{{"project_id": "{default}", "cursor": "x"}}', 400),
            ("GET", f"/api/v2/threads/x/traces?project_id={default}&filter=x(", "", 400),
        ]  # fmt: skip
        for method, path, body, status in bad:
            json_type = {"content-type": "application/json"}
            answer = server.http.request(method, path, content=body.encode(), headers=json_type)
            assert (answer.status_code, path, body) == (status, path, body), answer.text
            assert status == 200 or answer.json()["detail"]
        traces = server.http.get(f"/api/v2/threads/x/traces?project_id={default}&filter=x(")
        assert traces.json()["position"] == 0
