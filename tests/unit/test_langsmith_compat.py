"""The post's helpers, run inside the real LangSmith SDK; only the HTTP session is a fake."""

import asyncio
import inspect
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
from langsmith import Client, traceable
from langsmith import utils as langsmith_utils
from langsmith.run_helpers import get_current_run_tree, tracing_context
from langsmith.run_trees import RunTree, validate_extracted_usage_metadata

from everytoken import langsmith_compat as compat
from everytoken.catalog import PriceBook
from everytoken.core.usage import Usage
from everytoken.instrument.guard import failures

CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "gpt-5.2-2025-12-11",
    "choices": [],
    "usage": {"prompt_tokens": 47, "completion_tokens": 12, "total_tokens": 59},
}


class Wire(requests.Session):
    """Keeps what the SDK sends instead of sending it."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[dict[str, Any]] = []

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        body = json.loads(kwargs["data"]) if kwargs.get("data") else {}
        self.sent.append({"method": method, **body})
        response = requests.Response()
        response.status_code = 202
        response._content = b"{}"
        return response

    def run(self, name: str) -> dict[str, Any]:
        """The last state of the run of that name."""
        return [sent for sent in self.sent if sent.get("name") == name][-1]

    def names(self) -> list[str]:
        return [sent["name"] for sent in self.sent if sent["method"] == "POST"]


@pytest.fixture
def wire() -> Iterator[Wire]:
    wire = Wire()
    client = Client(api_url="http://langsmith.invalid", api_key="k", session=wire, auto_batch_tracing=False, info={})
    with tracing_context(enabled=True, client=client):
        yield wire


@pytest.fixture(autouse=True)
def _prices_of_today() -> Iterator[None]:
    yield
    compat.use_prices(PriceBook())


def usage_of(run: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = run["extra"]["metadata"]["usage_metadata"]
    return found


def counts(run: dict[str, Any]) -> tuple[int, int, int]:
    found = usage_of(run)
    return found["input_tokens"], found["output_tokens"], found["total_tokens"]


# calculate_cost and the tables


def test_the_reference_call_costs_what_it_costs_without_rounding() -> None:
    assert compat.calculate_cost("gpt-5.2", 47, 12) == Decimal("0.00025025")
    assert compat.calculate_cost("gpt-5.2", 520, 741) == Decimal("0.011284")


def test_a_dated_name_has_the_price_of_its_model() -> None:
    assert compat.calculate_cost("gpt-5.2-2025-12-11", 47, 12) == Decimal("0.00025025")


def test_an_unknown_model_has_no_cost_and_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="everytoken"):
        assert compat.calculate_cost("gpt-99-nobody", 1, 1) is None
        assert compat.calculate_cost("gpt-99-nobody", 1, 1) is None
    assert [record.getMessage() for record in caplog.records] == [
        "everytoken: no price for gpt-99-nobody (model_unknown); its cost is unknown, not 0"
    ]


def test_nothing_is_printed_for_an_unknown_model(capfd: pytest.CaptureFixture[str]) -> None:
    compat.calculate_cost("gpt-98-nobody", 1, 1)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("tokens", [-1, 1.5, "12", True, float("nan")])
def test_a_count_that_is_none_has_no_cost(tokens: Any) -> None:
    assert compat.calculate_cost("gpt-5.2", tokens, 1) is None


def test_a_side_that_was_not_reported_counts_as_nothing() -> None:
    assert compat.calculate_cost("gpt-5.2", None, 12) == Decimal("0.000168")  # type: ignore[arg-type] # as the post calls it
    assert compat.calculate_cost("gpt-5.2", None, None) is None  # type: ignore[arg-type] # as the post calls it


def test_the_tables_hold_the_posts_text_prices() -> None:
    assert compat.MODEL_PRICING["gpt-5.2"] == {"input": 1.75, "output": 14.00}
    assert compat.MODEL_PRICING["gpt-4o"] == {"input": 2.50, "output": 10.00}
    assert compat.MODEL_PRICING["gemini-3-flash-preview"] == {"input": 0.50, "output": 3.00}
    assert compat.MODEL_PRICING["gemini-3-pro-image-preview"] == {"input": 2.00, "output": 12.00}


def test_the_tables_hold_the_prices_of_the_repository_too() -> None:
    assert compat.MODEL_PRICING["gpt-4o-mini"] == {"input": 0.15, "output": 0.60}
    assert compat.MODEL_PRICING["gpt-4-turbo"] == {"input": 10.00, "output": 30.00}
    assert compat.MODEL_PRICING["gpt-4"] == {"input": 30.00, "output": 60.00}
    assert compat.MODEL_PRICING["gpt-3.5-turbo"] == {"input": 0.50, "output": 1.50}
    assert compat.MODEL_PRICING["gemini-3-pro-preview"] == {"input": 2.00, "output": 12.00}
    assert compat.MODEL_PRICING["gemini-2.0-flash"] == {"input": 0.10, "output": 0.40}
    assert compat.MODEL_PRICING["gemini-2.0-flash-lite"] == {"input": 0.075, "output": 0.30}
    assert compat.MODEL_PRICING["gemini-1.5-pro"] == {"input": 1.25, "output": 5.00}
    assert compat.MODEL_PRICING["gemini-1.5-flash"] == {"input": 0.075, "output": 0.30}


def test_the_posts_own_arithmetic_works_on_the_table() -> None:
    price = compat.MODEL_PRICING["gpt-5.2"]
    assert (47 / 1_000_000) * price["input"] + (12 / 1_000_000) * price["output"] == pytest.approx(0.00025025)


def test_an_unknown_model_is_not_in_the_table() -> None:
    assert "gpt-99" not in compat.MODEL_PRICING
    assert compat.MODEL_PRICING.get("gpt-99") is None
    assert compat.MODEL_PRICING.get(7) is None  # type: ignore[call-overload] # a host may ask for anything
    assert {"gpt-5.2", "gpt-4o", "gemini-3-flash-preview"} <= set(compat.MODEL_PRICING)
    assert len(compat.MODEL_PRICING) == len(list(compat.MODEL_PRICING))


def test_the_tables_follow_the_price_book(tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    file.write_text(
        'version = 1\n[[price]]\nprovider = "openai"\nmodels = ["gpt-5.2"]\nmode = "patch"\nrates = { input_mtok = 3 }'
        "\n"
        'source = "contract"\nchecked = 2026-11-01\n',
        encoding="utf-8",
    )
    compat.use_prices(PriceBook([file]))
    assert compat.MODEL_PRICING["gpt-5.2"] == {"input": 3.0, "output": 14.0}
    assert compat.calculate_cost("gpt-5.2", 1_000_000, 0) == Decimal(3)


@pytest.mark.parametrize(
    ("model", "size", "usd"),
    [
        ("gemini-3-pro-image-preview", "default", "0.1344"),
        ("gemini-3-pro-image-preview", "1K", "0.1344"),
        ("gemini-3-pro-image-preview", "2k", "0.1344"),
        ("gemini-3-pro-image", "4K", "0.24"),
        ("gemini-2.5-flash-image", "1K", "0.0387"),  # 1,290 × 30/1M
        ("gpt-image-1", "low", "0.01088"),  # 272 × 40/1M
        ("gpt-image-1.5", "HIGH 1024x1024", "0.13312"),  # 4,160 × 32/1M
    ],
)
def test_an_image_costs_its_tokens_whatever_the_case_of_the_size(model: str, size: str, usd: str) -> None:
    assert compat.calculate_image_cost(model, size) == Decimal(usd)
    assert compat.IMAGE_PRICING[model][size] == float(usd)


def test_several_images_cost_that_many_times_one() -> None:
    assert compat.calculate_image_cost("gemini-3-pro-image-preview", "1K", 3) == Decimal("0.4032")
    assert compat.calculate_image_cost("gemini-3-pro-image-preview", "1K", 0) == 0


@pytest.mark.parametrize(
    ("model", "size", "count"),
    [("gemini-3-pro-image-preview", "8K", 1), ("nobody-image", "1K", 1), ("gpt-image-1", "default", 1),
     ("gemini-3-pro-image-preview", "1K", -1)],
)  # fmt: skip
def test_an_image_nobody_prices_costs_none(model: str, size: str, count: int) -> None:
    assert compat.calculate_image_cost(model, size, count) is None


def test_an_unknown_image_size_is_not_in_the_table() -> None:
    assert compat.IMAGE_PRICING["gemini-3-pro-image-preview"].get("8K") is None
    assert compat.IMAGE_PRICING.get("nobody-image", {}) == {}
    assert dict(compat.IMAGE_PRICING["gemini-3-pro-image-preview"]) == {
        "default": 0.1344, "1K": 0.1344, "2K": 0.1344, "4K": 0.24,
    }  # fmt: skip
    assert len(compat.IMAGE_PRICING) == len(list(compat.IMAGE_PRICING))


def test_the_seed_profile_reproduces_the_posts_image_prices() -> None:
    compat.use_prices(PriceBook(profiles=["seed"]))
    assert compat.calculate_image_cost("gemini-3-pro-image-preview", "default") == Decimal("0.04")
    assert compat.calculate_image_cost("gemini-3-pro-image-preview", "2K", 2) == Decimal("0.16")


# is_langsmith_enabled


@pytest.mark.parametrize(
    ("variables", "enabled"),
    [
        ({"LANGCHAIN_TRACING_V2": "true"}, True),
        ({"LANGSMITH_TRACING": "true"}, True),
        ({"LANGCHAIN_TRACING_V2": "True"}, False),
        ({"LANGSMITH_TRACING_V2": "false", "LANGCHAIN_TRACING_V2": "true"}, False),
        ({}, False),
    ],
)
def test_tracing_is_on_by_the_sdks_own_rules(
    variables: dict[str, str], enabled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING", "LANGCHAIN_TRACING_V2"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    forget: Callable[[], None] = langsmith_utils.get_env_var.cache_clear  # type: ignore[attr-defined] # an lru_cache
    forget()
    try:
        assert compat.is_langsmith_enabled() is enabled
    finally:
        forget()


def test_a_tracing_context_turns_tracing_on_and_off() -> None:
    with tracing_context(enabled=True):
        assert compat.is_langsmith_enabled() is True
        with tracing_context(enabled=False):
            assert compat.is_langsmith_enabled() is False


# track_token_usage


def test_usage_and_costs_stand_on_the_llm_run(wire: Wire) -> None:
    @traceable(run_type="llm", name="call")
    def call() -> str:
        compat.track_token_usage(get_current_run_tree(), "gpt-5.2", 47, 12)
        return "ok"

    call()
    run = wire.run("call")
    assert usage_of(run) == {
        "input_tokens": 47, "output_tokens": 12, "total_tokens": 59,
        "input_token_details": {}, "output_token_details": {},
        "input_cost": 0.00008225, "output_cost": 0.000168, "total_cost": 0.00025025,
    }  # fmt: skip
    metadata = run["extra"]["metadata"]
    assert (metadata["ls_model_name"], metadata["ls_provider"]) == ("gpt-5.2", "openai")
    assert metadata["everytoken"]["layer"] == "manual"
    assert (metadata["everytoken_cost_status"], metadata["everytoken_cost_usd"]) == ("priced", "0.00025025")
    assert "metrics" not in run["extra"]
    assert wire.names() == ["call"]


def test_usage_on_a_chain_run_becomes_an_llm_child(wire: Wire) -> None:
    @traceable(run_type="chain", name="node", metadata={"langgraph_node": "location"})
    def node() -> str:
        compat.track_token_usage(get_current_run_tree(), "gemini-3-flash-preview", 128, 256, latency_ms=250.0)
        return "ok"

    node()
    assert wire.names() == ["node", "gemini-3-flash-preview"]
    child, parent = wire.run("gemini-3-flash-preview"), wire.run("node")
    assert (child["run_type"], child["parent_run_id"]) == ("llm", parent["id"])
    assert counts(child) == (128, 256, 384)
    assert child["extra"]["metadata"]["ls_provider"] == "google_genai"
    assert child["extra"]["metadata"]["langgraph_node"] == "location"
    assert child["start_time"] <= child["end_time"]
    assert "usage_metadata" not in parent["extra"]["metadata"]


def test_a_second_request_of_the_same_run_is_added_and_its_cost_too(wire: Wire) -> None:
    @traceable(run_type="llm", name="call")
    def call() -> None:
        run = get_current_run_tree()
        compat.track_token_usage(run, "gpt-5.4", 272_000, 10)  # 0.68 + 0.00015
        compat.track_token_usage(run, "gpt-5.4", 272_001, 10)  # 1.360005 + 0.000225: this request is a long one

    call()
    run = wire.run("call")
    assert counts(run) == (544_001, 20, 544_021)
    assert run["extra"]["metadata"]["everytoken_cost_usd"] == "2.040380"
    assert run["extra"]["metadata"]["everytoken"]["usage"]["requests"] == 2


def test_a_request_of_another_model_gets_a_run_of_its_own(wire: Wire) -> None:
    @traceable(run_type="llm", name="call")
    def call() -> None:
        compat.track_token_usage(get_current_run_tree(), "gpt-5.2", 47, 12)
        compat.track_token_usage(get_current_run_tree(), "gpt-4o", 10, 5)

    @traceable(run_type="chain", name="node")
    def node() -> None:
        call()

    node()
    other = wire.run("gpt-4o")
    assert counts(wire.run("call")) == (47, 12, 59)
    assert other["trace_id"] == wire.run("call")["trace_id"]
    assert other["dotted_order"].startswith(wire.run("node")["dotted_order"] + ".")
    assert (counts(other), other["parent_run_id"]) == ((10, 5, 15), wire.run("node")["id"])
    assert other["extra"]["metadata"]["ls_model_name"] == "gpt-4o"


def test_a_run_that_a_wrapper_has_counted_is_left_alone(wire: Wire) -> None:
    @traceable(run_type="llm", name="call")
    def call() -> None:
        run = get_current_run_tree()
        assert run is not None
        run.set(usage_metadata={"input_tokens": 47, "output_tokens": 12, "total_tokens": 59})
        compat.track_token_usage(run, "gpt-5.2", 47, 12)

    call()
    assert usage_of(wire.run("call")) == {"input_tokens": 47, "output_tokens": 12, "total_tokens": 59}


def test_an_unpriced_model_is_marked_and_no_cost_is_sent(wire: Wire) -> None:
    @traceable(run_type="llm", name="call")
    def call() -> None:
        compat.track_token_usage(get_current_run_tree(), "nobody-1", 47, 12)

    call()
    run = wire.run("call")
    assert counts(run) == (47, 12, 59)
    assert not any(key.endswith("_cost") for key in usage_of(run))
    assert run["extra"]["metadata"]["everytoken_cost_status"] == "unpriced"
    assert run["extra"]["metadata"]["everytoken_cost_reason"] == "model_unknown"


def test_what_is_written_passes_the_sdks_own_validation(wire: Wire) -> None:
    run = RunTree(name="call", run_type="llm")
    compat.track_token_usage(run, "gpt-5.2", 47, 12)
    usage = run.extra["metadata"]["usage_metadata"]
    assert validate_extracted_usage_metadata(usage) == usage


def test_no_run_is_no_error() -> None:
    compat.track_token_usage(None, "gpt-5.2", 47, 12)


@pytest.mark.parametrize("tokens", [-5, "many", 1.5])
def test_counts_that_are_none_are_not_written_but_counted(tokens: Any) -> None:
    before = failures().get("track_token_usage", 0)
    run = RunTree(name="call", run_type="llm")
    compat.track_token_usage(run, "gpt-5.2", tokens, 12)
    assert "usage_metadata" not in (run.extra.get("metadata") or {})
    assert failures()["track_token_usage"] == before + 1


def test_a_run_that_raises_does_not_reach_the_application() -> None:
    class Broken:
        run_type = "llm"

        @property
        def extra(self) -> dict[str, Any]:
            raise RuntimeError("broken")

    before = failures().get("track_token_usage", 0)
    compat.track_token_usage(Broken(), "gpt-5.2", 1, 1)
    assert failures()["track_token_usage"] == before + 1


# traceable_llm


def test_a_plain_function_is_an_llm_run_with_the_usage_of_its_answer(wire: Wire) -> None:
    @compat.traceable_llm(model="gpt-5.2", name="answer")
    def answer(prompt: str) -> dict[str, Any]:
        return CHAT

    assert answer("hi") is CHAT
    run = wire.run("answer")
    assert (run["run_type"], counts(run)) == ("llm", (47, 12, 59))
    entry = run["extra"]["metadata"]["everytoken"]
    assert (entry["response_id"], entry["response_model"]) == ("chatcmpl-1", "gpt-5.2-2025-12-11")


def test_an_async_function_is_an_llm_run_with_the_usage_of_its_answer(wire: Wire) -> None:
    @compat.traceable_llm(model="gpt-5.2")
    async def answer(prompt: str) -> dict[str, Any]:
        await asyncio.sleep(0)
        return CHAT

    assert inspect.iscoroutinefunction(answer)
    assert asyncio.run(answer("hi")) is CHAT
    assert counts(wire.run("answer")) == (47, 12, 59)


CHUNKS: list[dict[str, Any]] = [
    {"id": "c", "object": "chat.completion.chunk", "model": "gpt-5.2", "choices": [{"delta": {"content": "a"}}]},
    {"id": "c", "object": "chat.completion.chunk", "model": "gpt-5.2", "choices": [], "usage": CHAT["usage"]},
]
GEMINI: list[dict[str, Any]] = [
    {
        "candidates": [{}],
        "usage_metadata": {"prompt_token_count": 10, "candidates_token_count": n, "total_token_count": 10 + n},
    }
    for n in (5, 9)
]


def test_a_generator_is_an_llm_run_with_the_usage_of_its_chunks(wire: Wire) -> None:
    @compat.traceable_llm(model="gpt-5.2")
    def stream() -> Iterator[dict[str, Any]]:
        yield from CHUNKS

    assert list(stream()) == CHUNKS
    assert counts(wire.run("stream")) == (47, 12, 59)
    assert usage_of(wire.run("stream"))["total_cost"] == 0.00025025


def test_an_async_generator_that_is_left_early_keeps_what_was_seen(wire: Wire) -> None:
    @compat.traceable_llm(model="gemini-3-flash-preview")
    async def stream() -> AsyncIterator[dict[str, Any]]:
        for chunk in GEMINI:
            yield chunk

    async def first() -> None:
        chunks = stream()
        async for _ in chunks:
            break
        await chunks.aclose()  # type: ignore[attr-defined] # an async generator, typed by the decorator as what it was

    asyncio.run(first())
    assert counts(wire.run("stream")) == (10, 5, 15)


def test_usage_the_function_sets_wins_over_what_it_returns(wire: Wire) -> None:
    @compat.traceable_llm(model="gemini-3-pro-image")
    def draw() -> dict[str, Any]:
        compat.set_usage(Usage(10, 1_200, {}, {"image": 1_120, "reasoning": 80}))
        return CHAT

    draw()
    usage = usage_of(wire.run("draw"))
    assert (usage["input_tokens"], usage["output_tokens"]) == (10, 1_200)
    assert usage["output_token_details"] == {"image": 1_120, "reasoning": 80}
    assert usage["total_cost"] == 0.13538  # 10 × 2 + 80 × 12 + 1,120 × 120, over 1M


def test_an_error_of_the_function_passes_through(wire: Wire) -> None:
    @compat.traceable_llm(model="gpt-5.2")
    def broken() -> None:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        broken()
    assert "mine" in wire.run("broken")["error"]


def test_an_answer_that_is_only_text_has_no_usage(wire: Wire) -> None:
    @compat.traceable_llm(model="gpt-5.2")
    def answer() -> str:
        return "text"

    assert answer() == "text"
    assert "usage_metadata" not in wire.run("answer")["extra"]["metadata"]


def test_without_tracing_the_functions_just_run() -> None:
    @compat.traceable_llm(model="gpt-5.2")
    def answer() -> dict[str, Any]:
        compat.set_usage(Usage(1, 1))
        return CHAT

    with tracing_context(enabled=False):
        assert answer() is CHAT


# traceable_tool and get_run_config


@pytest.mark.parametrize("tool_type", ["tool", "retriever"])
def test_a_tool_is_a_run_of_its_type(wire: Wire, tool_type: str) -> None:
    @compat.traceable_tool(name="weather_api", tool_type=tool_type)
    def weather(city: str) -> str:
        return "sunny"

    assert weather("Seoul") == "sunny"
    run = wire.run("weather_api")
    assert run["run_type"] == tool_type
    assert run["tags"] == ["tool:weather_api", f"type:{tool_type}"]


def test_an_async_tool_is_named_after_its_function(wire: Wire) -> None:
    @compat.traceable_tool()
    async def lookup() -> int:
        return 3

    assert asyncio.run(lookup()) == 3
    assert wire.run("lookup")["run_type"] == "tool"


def test_the_run_config_groups_by_thread_and_copies_the_tags() -> None:
    tags = ["env:test"]
    config = compat.get_run_config("job-1", "sess-1", "user-1", "waste", tags, {"extra": 1})
    assert config == {
        "run_name": "chat:job-1",
        "tags": ["env:test", "intent:waste"],
        "metadata": {
            "job_id": "job-1", "user_id": "user-1", "intent": "waste",
            "session_id": "sess-1", "thread_id": "sess-1", "extra": 1,
        },
        "configurable": {"thread_id": "sess-1"},
    }  # fmt: skip
    assert tags == ["env:test"]


def test_the_run_config_of_a_job_alone_claims_nothing_else() -> None:
    assert compat.get_run_config("job-1") == {
        "run_name": "chat:job-1", "tags": [], "metadata": {"job_id": "job-1"}, "configurable": {},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (compat.calculate_cost, ["model", "input_tokens", "output_tokens"]),
        (compat.calculate_image_cost, ["model", "size", "count"]),
        (compat.track_token_usage, ["run_tree", "model", "input_tokens", "output_tokens", "latency_ms"]),
        (compat.traceable_llm, ["model", "name"]),
        (compat.traceable_tool, ["name", "tool_type"]),
        (compat.get_run_config, ["job_id", "session_id", "user_id", "intent", "tags", "metadata"]),
        (compat.is_langsmith_enabled, []),
    ],
)
def test_the_signatures_are_the_posts(function: Callable[..., Any], parameters: list[str]) -> None:
    assert list(inspect.signature(function).parameters) == parameters
