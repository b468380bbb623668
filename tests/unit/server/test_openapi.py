"""The OpenAPI document is complete: every route has typed answers and typed problems."""

from typing import Any

import jsonschema_rs
import pytest

from everytoken.catalog.price_file import parse_prices
from everytoken.config import Settings
from everytoken.server.app import create_app
from everytoken.server.examples import EXAMPLES
from everytoken.server.parameters import PARAMETERS


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app(Settings()).openapi()


def test_the_product_routes_are_the_contract(document: dict[str, Any]) -> None:
    assert sorted(document["paths"]) == [
        "/everytoken/v1/audit",
        "/everytoken/v1/backup",
        "/everytoken/v1/charges",
        "/everytoken/v1/explain",
        "/everytoken/v1/export/charges",
        "/everytoken/v1/export/runs",
        "/everytoken/v1/filter/fields",
        "/everytoken/v1/flush",
        "/everytoken/v1/health",
        "/everytoken/v1/keys",
        "/everytoken/v1/keys/{key_id}",
        "/everytoken/v1/live",
        "/everytoken/v1/prices",
        "/everytoken/v1/prices/missing",
        "/everytoken/v1/prices/overrides",
        "/everytoken/v1/prices/overrides/{name}",
        "/everytoken/v1/prices/show",
        "/everytoken/v1/projects",
        "/everytoken/v1/projects/{project}/alert-events",
        "/everytoken/v1/projects/{project}/alerts",
        "/everytoken/v1/projects/{project}/alerts/preview",
        "/everytoken/v1/projects/{project}/alerts/{rule_id}",
        "/everytoken/v1/projects/{project}/alerts/{rule_id}/test",
        "/everytoken/v1/projects/{project}/contributions",
        "/everytoken/v1/projects/{project}/coverage",
        "/everytoken/v1/projects/{project}/dearest",
        "/everytoken/v1/projects/{project}/distributions",
        "/everytoken/v1/projects/{project}/facets",
        "/everytoken/v1/projects/{project}/models",
        "/everytoken/v1/projects/{project}/nodes",
        "/everytoken/v1/projects/{project}/nodes/{node}/worst",
        "/everytoken/v1/projects/{project}/releases",
        "/everytoken/v1/projects/{project}/series",
        "/everytoken/v1/projects/{project}/settings",
        "/everytoken/v1/projects/{project}/settings/masked",
        "/everytoken/v1/projects/{project}/summary",
        "/everytoken/v1/projects/{project}/threads",
        "/everytoken/v1/projects/{project}/threads/{thread_id}",
        "/everytoken/v1/projects/{project}/users",
        "/everytoken/v1/projects/{project}/users/{user}/data",
        "/everytoken/v1/reprice",
        "/everytoken/v1/search",
        "/everytoken/v1/session",
        "/everytoken/v1/traces",
        "/everytoken/v1/traces/{trace_id}",
        "/everytoken/v1/traces/{trace_id}/runs/{run_id}",
        "/everytoken/v1/traces/{trace_id}/search",
        "/everytoken/v1/traces/{trace_id}/topology",
        "/everytoken/v1/users",
        "/everytoken/v1/users/{name}",
    ]


def test_every_route_says_what_it_answers_and_how_it_fails(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["description"], path
            answers = operation["responses"]
            assert set(answers) == {"200", "4XX", "5XX"}, path
            for status in ("4XX", "5XX"):
                schema = answers[status]["content"]["application/json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}
            assert any("schema" in content or path.endswith("/live") for content in answers["200"]["content"].values())


def test_operation_ids_are_unique_and_readable(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(set(ids)) == len(ids)
    assert "list_traces" in ids


def test_every_parameter_says_what_it_means_and_shows_one_value(document: dict[str, Any]) -> None:
    asked = {
        parameter["name"]: parameter
        for operations in document["paths"].values()
        for operation in operations.values()
        for parameter in operation.get("parameters", [])
    }
    assert [name for name, parameter in asked.items() if not parameter["description"].endswith(".")] == []
    assert [name for name, parameter in asked.items() if "examples" not in parameter] == ["cursor"]
    assert PARAMETERS.keys() == asked.keys()
    for parameter in asked.values():
        for example in parameter.get("examples", {}).values():
            jsonschema_rs.validator_for(parameter["schema"]).validate(example["value"])


def test_an_example_is_one_of_what_its_schema_says(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    shown = {name: schema["examples"] for name, schema in schemas.items() if "examples" in schema}
    assert shown == {name: [example] for name, example in EXAMPLES.items()}
    for name, example in EXAMPLES.items():
        whole = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        jsonschema_rs.validator_for(whole).validate(example)
        if not name.endswith("Body"):
            assert list(example) == list(dict.fromkeys(example))
            assert set(example) == set(schemas[name]["properties"])
    assert parse_prices(f"version = 1\n{EXAMPLES['OverrideBody']['toml']}", "example", label="example")


def test_the_document_says_how_a_caller_is_known_and_that_none_may_be_needed(document: dict[str, Any]) -> None:
    assert document["security"] == [{}, {"key": []}, {"bearer": []}, {"login": []}]
    assert document["components"]["securitySchemes"]["key"]["name"] == "x-api-key"
    assert document["components"]["securitySchemes"]["login"]["name"] == "everytoken_session"


def test_a_field_says_what_is_written_beneath_it(document: dict[str, Any]) -> None:
    fields = document["components"]["schemas"]["DearTrace"]["properties"]
    assert fields["dearest_run_id"]["description"] == "The run of its dearest charge."
    assert fields["cache_read_tokens"]["description"] == "Part of `input_tokens`.", "inherited"


def test_an_answer_always_holds_every_field(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        if "properties" not in schema or name.endswith("Body"):  # a word; what is asked, and may leave things out
            continue
        assert schema["required"] == list(schema["properties"]), name


def test_money_is_text_and_may_be_unknown(document: dict[str, Any]) -> None:
    fields = document["components"]["schemas"]["Summary"]["properties"]
    assert [kind["type"] for kind in fields["cost_usd"]["anyOf"]] == ["string", "null"]
    assert fields["cost_known_usd"]["type"] == "string"
