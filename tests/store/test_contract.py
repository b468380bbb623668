"""The OpenAPI document against a running server: whatever is asked, no 5xx, and answers are what the document says.

Each route is asked for what is there, with anything the document allows, and with anything it does not allow. The
server has a key from the start, which every request carries: one of the routes makes keys, and from then on all others
would answer 401 alone.
"""

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlencode

import pytest
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    missing_required_header,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from tests.store.serving import Server, serving
from tests.store.test_metrics import llm_run

from everytoken.config import Settings
from everytoken.server.app import create_app

CHECKS: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
STRICT: list[CheckFunction] = [*CHECKS, negative_data_rejection, unsupported_method, missing_required_header]
"""Of what the document does not allow. Left out: `ignored_auth` and `object_level_authorization`, as `test_access.py`
asks every route with every kind of key; `use_after_free` and `ensure_resource_availability`, as the tests of keys,
prices, alerts and deletes follow what they made; `positive_data_acceptance`, since no document tells what exists."""
URL_BYTES = 60_000
"""A longer one is no request for the parser of HTTP, which knows no routes and answers 400 in its own words."""
EXAMPLES = 4  # of each route: half a minute for all of them on two cores


KEY = {"x-api-key": "et_contract_" + "a" * 32}
RUN = llm_run()
NODE = llm_run()
KNOWN = {
    "project": "asked",
    "trace_id": RUN["id"],
    "run_id": RUN["id"],
    "thread_id": "t-1",
    "node": "plan",
    "q": "hello",
    "model": "gpt-5.2",
    "from": "2026-11-22",
    "to": "2026-11-23",
}
"""Values under which something is found, by the names of parameters. The project is no example of the document, with
which routes that delete are asked too."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    RUN["extra"]["metadata"] |= {"thread_id": "t-1", "user_id": "kim"}  # type: ignore[index] # JSON
    NODE["extra"]["metadata"] |= {"langgraph_node": "plan", "revision_id": "1.0"}  # type: ignore[index] # JSON
    NODE["name"] = "plan"
    RUN["session_name"] = NODE["session_name"] = KNOWN["project"]
    with serving(tmp_path_factory.mktemp("contract"), EVERYTOKEN_ADMIN_KEY=KEY["x-api-key"]) as running:
        running.http.headers.update(KEY)
        running.http.post("/runs/batch", json={"post": [RUN, NODE, llm_run(error="429")]})
        running.flush()
        yield running


DOCUMENT = create_app(Settings()).openapi()
LIVE = "/everytoken/v1/live"
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT).exclude(path=LIVE)  # the feed never ends: it is read below
OPERATIONS = {found.ok().label: found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)}
BOUNDED = [label for label, one in OPERATIONS.items() if one.query or one.headers or one.body]
"""A name in a path may be anything: what has no other parameter cannot be asked wrongly."""
TO_READ = [label for label in OPERATIONS if label.startswith("GET ")]


def ask(server: Server, label: str, mode: GenerationMode, checks: Sequence[CheckFunction]) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=OPERATIONS[label].as_strategy(generation_mode=mode))
    def one(case: Case[Any]) -> None:
        assume(len(urlencode(case.query, doseq=True)) < URL_BYTES)
        case.call_and_validate(base_url=server.url, headers=KEY, checks=list(checks), timeout=30)

    one()


@pytest.mark.parametrize("label", OPERATIONS)
def test_an_answer_is_what_the_document_says(server: Server, label: str) -> None:
    ask(server, label, GenerationMode.POSITIVE, CHECKS)


@pytest.mark.parametrize("label", BOUNDED)
def test_what_the_document_does_not_allow_is_refused_as_it_says(server: Server, label: str) -> None:
    ask(server, label, GenerationMode.NEGATIVE, STRICT)


@pytest.mark.parametrize("label", TO_READ)
def test_what_is_there_is_answered_as_the_document_says(server: Server, label: str) -> None:
    operation = OPERATIONS[label]
    asked: dict[str, dict[str, Any]] = {"path": {}, "query": {}}
    for parameter in operation.definition.raw.get("parameters", []):
        if parameter["in"] in asked and parameter["name"] in KNOWN:
            asked[parameter["in"]][parameter["name"]] = KNOWN[parameter["name"]]
    case = operation.Case(path_parameters=asked["path"], query=asked["query"])

    response = case.call(base_url=server.url, headers=KEY, timeout=30)

    assert response.status_code == 200, response.text
    case.validate_response(response, checks=CHECKS)


def test_the_feed_is_a_stream_of_events_as_the_document_says(server: Server) -> None:
    with server.http.stream("GET", LIVE, params={"project": "shop"}) as answer:
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        assert next(answer.iter_text()) == "retry: 2000\n\n"
    assert list(DOCUMENT["paths"][LIVE]["get"]["responses"]["200"]["content"]) == ["text/event-stream"]


def test_every_route_of_the_document_is_asked() -> None:
    documented = sum(len(operations) for operations in DOCUMENT["paths"].values())

    assert len(OPERATIONS) == documented - 1
