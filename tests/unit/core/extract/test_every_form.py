"""Each response says the same as REST JSON, as the SDK's object, as its dumps, as any Mapping or attribute object."""

import json
from collections.abc import Mapping
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest

from everytoken.core.extract import SHAPES, extract_usage
from everytoken.core.extract.reading import camel
from everytoken.core.usage import Usage

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[3] / "data" / "usage" / "responses.json").read_text(encoding="utf-8")
)
each_case = pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])


def sdk_object(case: dict[str, Any]) -> Any:
    module, name = case["type"].split(":")
    return getattr(import_module(module), name).model_validate(case["raw"])


def camel_case(value: Any) -> Any:
    if isinstance(value, dict):
        return {camel(key): camel_case(item) for key, item in value.items()}
    return [camel_case(item) for item in value] if isinstance(value, list) else value


def frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return MappingProxyType({key: frozen(item) for key, item in value.items()})
    return tuple(frozen(item) for item in value) if isinstance(value, list) else value


def attributes(value: Any) -> Any:
    if isinstance(value, dict):
        return SimpleNamespace(**{key: attributes(item) for key, item in value.items()})
    return [attributes(item) for item in value] if isinstance(value, list) else value


def expected(told: Mapping[str, Any] | None) -> Usage | None:
    if told is None:
        return None
    return Usage(
        input_tokens=told["input"],
        output_tokens=told["output"],
        input_token_details=told.get("inputs", {}),
        output_token_details=told.get("outputs", {}),
        meters={name: Decimal(amount) for name, amount in told.get("meters", {}).items()},
        tier=told.get("tier"),
        warnings=tuple(told.get("warnings", ())),
    )


@each_case
def test_rest_json_gives_what_was_worked_out_by_hand(case: dict[str, Any]) -> None:
    found = extract_usage(case["shape"], case["raw"], case.get("context"))
    assert found.usage == expected(case["usage"])
    assert (found.response_id, found.response_model, found.reason) == (case["id"], case["model"], case.get("reason"))


@each_case
def test_every_form_of_the_same_response_says_the_same(case: dict[str, Any]) -> None:
    sdk = sdk_object(case)
    forms = {
        "sdk object": sdk,
        "dump": sdk.model_dump(),
        "dump without nulls": sdk.model_dump(exclude_none=True),
        "json dump by alias": sdk.model_dump(mode="json", by_alias=True),
        "camelCase": camel_case(case["raw"]),
        "read-only mapping": frozen(case["raw"]),
        "attribute object": attributes(sdk.model_dump()),
    }
    as_json = extract_usage(case["shape"], case["raw"], case.get("context"))
    for form, raw in forms.items():
        found = extract_usage(case["shape"], raw, case.get("context"))
        # `exclude_none` and `model_dump` drop or add nulls, which mean absence either way.
        assert (found.usage, found.reason) == (as_json.usage, as_json.reason), form
        assert (found.response_id, found.response_model) == (as_json.response_id, as_json.response_model), form


@each_case
def test_the_providers_own_object_is_kept_unaltered(case: dict[str, Any]) -> None:
    found = extract_usage(case["shape"], case["raw"], case.get("context"))
    reported = (
        case["raw"].get("usage") or case["raw"].get("usageMetadata") or case["raw"].get("response", {}).get("usage")
    )
    if found.usage and reported:
        assert found.usage.raw == reported


@pytest.mark.parametrize(
    "case", [c for c in CASES if c["usage"] and "meters" not in c["usage"]], ids=lambda c: c["case"]
)
def test_reading_the_kept_object_again_changes_nothing(case: dict[str, Any]) -> None:
    once = extract_usage(case["shape"], case["raw"], case.get("context")).usage
    assert once is not None
    if once.raw:
        # The tier stands outside the usage object of OpenAI: it is a fact of the response.
        again = extract_usage(case["shape"], once.raw, {"tier": once.tier} if once.tier else None).usage
        assert again == once


def test_every_shape_of_the_price_command_is_known() -> None:
    promised = {
        "openai.chat", "openai.chat.stream", "openai.responses", "openai.embeddings", "openai.images",
        "openai.images.stream_completed", "openai.transcription", "openai.speech", "openai.moderation",
        "openai.realtime.response_done", "openai.batch_line", "gemini.generate_content", "gemini.stream",
        "gemini.requests", "gemini.embed_content", "gemini.batch_line",
    }  # fmt: skip
    assert promised <= set(SHAPES)


def test_an_unknown_shape_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"unknown shape 'openai.chta'; known: openai.chat, "):
        extract_usage("openai.chta", {})
