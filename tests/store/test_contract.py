"""The OpenAPI document against a running server: whatever is asked, no 5xx, and answers are what the document says."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
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
]
EXAMPLES = 4  # of each route: half a minute for all of them on two cores


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("contract")) as running:
        running.http.post("/runs/batch", json={"post": [llm_run(), llm_run(error="429")]})
        running.flush()
        yield running


DOCUMENT = create_app(Settings()).openapi()
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT).exclude(path="/everytoken/v1/live")  # the feed never ends
OPERATIONS = {found.ok().label: found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)}


@pytest.mark.parametrize("label", OPERATIONS)
def test_an_answer_is_what_the_document_says(server: Server, label: str) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=OPERATIONS[label].as_strategy())
    def ask(case: Case[Any]) -> None:
        case.call_and_validate(base_url=server.url, checks=CHECKS, timeout=30)

    ask()


def test_every_route_of_the_document_is_asked() -> None:
    documented = sum(len(operations) for operations in DOCUMENT["paths"].values())

    assert len(OPERATIONS) == documented - 1
