"""The laws of usage: they hold for anything a provider, a tracer or a broken application can send."""

import json
import math
from decimal import Decimal
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from langsmith.run_trees import validate_extracted_usage_metadata

from everytoken.core.extract import SHAPES, evidence_of, extract_usage
from everytoken.core.projections import to_everytoken, to_langsmith
from everytoken.core.run import Run
from everytoken.core.usage import MAX_COUNT, WARNINGS, ZERO, Usage

COUNT = st.one_of(
    st.integers(0, 5_000),
    st.integers(-3, MAX_COUNT * 2),
    st.none(),
    st.booleans(),
    st.floats(),
    st.text(max_size=3),
)
CLEAN = st.integers(0, 5_000)


unhurried = settings(deadline=None)
"""A busy machine is no counterexample."""


def details(*names: str, count: st.SearchStrategy[Any] = COUNT) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), st.fixed_dictionaries({}, optional=dict.fromkeys(names, count)))


OPENAI_USAGE = st.fixed_dictionaries(
    {},
    optional={
        "prompt_tokens": COUNT,
        "completion_tokens": COUNT,
        "total_tokens": COUNT,
        "prompt_tokens_details": details("cached_tokens", "cache_write_tokens", "audio_tokens", "image_tokens"),
        "completion_tokens_details": details(
            "reasoning_tokens", "audio_tokens", "accepted_prediction_tokens", "rejected_prediction_tokens"
        ),
    },
)
MODALITIES = st.lists(
    st.fixed_dictionaries(
        {"modality": st.sampled_from(["TEXT", "AUDIO", "IMAGE", "VIDEO", "DOCUMENT", None, 3]), "tokenCount": COUNT}
    ),
    max_size=4,
)
GEMINI_USAGE = st.fixed_dictionaries(
    {},
    optional={
        "promptTokenCount": COUNT,
        "candidatesTokenCount": COUNT,
        "thoughtsTokenCount": COUNT,
        "toolUsePromptTokenCount": COUNT,
        "cachedContentTokenCount": COUNT,
        "totalTokenCount": COUNT,
        "promptTokensDetails": MODALITIES,
        "candidatesTokensDetails": MODALITIES,
        "cacheTokensDetails": MODALITIES,
        "toolUsePromptTokensDetails": MODALITIES,
    },
)
REPORTED = st.one_of(
    st.tuples(st.just("openai.chat"), st.builds(lambda u: {"usage": u}, OPENAI_USAGE)),
    st.tuples(st.just("gemini.generate_content"), st.builds(lambda u: {"usageMetadata": u}, GEMINI_USAGE)),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=12,
)
WORDS = [
    "usage", "usage_metadata", "usageMetadata", "response", "body", "prompt_tokens", "completion_tokens",
    "input_tokens", "output_tokens", "total_tokens", "promptTokenCount", "candidatesTokenCount", "totalTokenCount",
    "prompt_tokens_details", "cached_tokens", "output", "outputs", "tool_usage", "image_gen", "web_search",
    "num_requests", "choices", "candidates", "grounding_metadata", "web_search_queries", "generations", "message",
    "kwargs", "response_metadata", "llm_output", "token_usage", "request_usage_entries", "embeddings", "statistics",
    "token_count", "seconds", "type", "object", "data", "results", "interaction", "gen_ai.usage.input_tokens",
    "llm.token_count.prompt", "langsmith.usage_metadata", "input_token_details", "meters", "tools", "container",
]  # fmt: skip
SUGGESTIVE = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4),
        st.sampled_from(["response", "chat.completion", "list", "batch", "duration", "generation", "AUDIO", "flex"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(WORDS), inner, max_size=6)
    ),
    max_leaves=25,
)  # fmt: skip
USAGES = st.builds(
    Usage,
    input_tokens=CLEAN,
    output_tokens=CLEAN,
    input_token_details=st.dictionaries(st.sampled_from(["cache_read", "audio", "tool_use"]), CLEAN),
    output_token_details=st.dictionaries(st.sampled_from(["reasoning", "image"]), CLEAN),
    meters=st.dictionaries(st.sampled_from(["web_search", "images"]), st.decimals(0, 99, places=2)),
    source=st.sampled_from(["provider", "partial", "estimated"]),
    tier=st.sampled_from([None, "standard", "flex"]),
    warnings=st.sampled_from([(), ("usage_clamped",), ("usage_clamped", "usage_huge")]),
)


def assert_lawful(usage: Usage) -> None:
    """Invariant 1 of the normal form."""
    i, o = usage.input_token_details, usage.output_token_details
    counts = [usage.input_tokens, usage.output_tokens, *i.values(), *o.values()]
    assert all(type(count) is int and count >= 0 for count in counts)
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens
    assert all(count <= usage.input_tokens for count in i.values())
    assert all(count <= usage.output_tokens for count in o.values())
    assert i.get("cache_read", 0) + i.get("cache_creation", 0) <= usage.input_tokens
    assert i.get("cache_creation_30m", 0) + i.get("cache_creation_12h", 0) <= i.get("cache_creation", 0)
    for side, whole in ((i, usage.input_tokens), (o, usage.output_tokens)):
        assert sum(side.get(m, 0) for m in ("audio", "image", "video")) <= whole
    for m in ("audio", "image", "video"):
        assert i.get(f"cache_read_{m}", 0) <= min(i.get(m, 0), i.get("cache_read", 0))
    assert sum(i.get(f"cache_read_{m}", 0) for m in ("audio", "image", "video")) <= i.get("cache_read", 0)
    assert sum(o.get(k, 0) for k in ("reasoning", "prediction_accepted", "prediction_rejected")) <= usage.output_tokens
    assert all(isinstance(amount, Decimal) and amount.is_finite() and amount >= 0 for amount in usage.meters.values())
    assert set(usage.warnings) <= set(WARNINGS)
    json.dumps(usage.raw, allow_nan=False)


@unhurried
@given(REPORTED)
def test_every_reported_usage_obeys_the_invariants(reported: tuple[str, Any]) -> None:
    found = extract_usage(*reported)
    if found.usage:
        assert_lawful(found.usage)


@unhurried
@given(REPORTED)
def test_reading_the_kept_object_again_changes_nothing(reported: tuple[str, Any]) -> None:
    shape, raw = reported
    once = extract_usage(shape, raw).usage
    if once and not any_null(once.raw):  # NaN has no JSON and is kept as null: a bad field then reads as an absent one
        kept = {"usage": once.raw} if shape == "openai.chat" else {"usageMetadata": once.raw}
        assert extract_usage(shape, kept).usage == once


def any_null(value: Any) -> bool:
    if isinstance(value, dict):
        return any(any_null(item) for item in value.values())
    return any(any_null(item) for item in value) if isinstance(value, list) else value is None


@unhurried
@given(REPORTED, st.dictionaries(st.text(max_size=6).map(lambda t: f"x_{t}"), JSON, max_size=4))
def test_unknown_fields_and_nulls_change_no_known_number(reported: tuple[str, Any], extra: dict[str, Any]) -> None:
    shape, raw = reported
    (key, usage), = raw.items()  # fmt: skip
    noisy = {**extra, key: {**extra, **usage, "x_null": None}, "id": None, "model": None}
    assert extract_usage(shape, noisy).usage == extract_usage(shape, raw).usage


@unhurried
@given(USAGES, USAGES, USAGES)
def test_addition_is_associative_and_commutative_with_zero(a: Usage, b: Usage, c: Usage) -> None:
    assert (a + b) + c == a + (b + c)
    assert a + b == b + a
    assert a + ZERO == a == ZERO + a


@unhurried
@given(st.lists(st.tuples(CLEAN, CLEAN, CLEAN), min_size=1, max_size=6))
def test_the_usage_of_all_requests_is_the_sum_over_requests(counts: list[tuple[int, int, int]]) -> None:
    responses = [
        {"usageMetadata": {"promptTokenCount": p, "candidatesTokenCount": c, "thoughtsTokenCount": t}}
        for p, c, t in counts
    ]
    together = extract_usage("gemini.requests", responses).usage
    alone = [extract_usage("gemini.generate_content", response).usage for response in responses]
    assert together is not None
    assert together == sum((usage for usage in alone if usage), ZERO)
    assert together.total_tokens == sum(p + c + t for p, c, t in counts)


@unhurried
@given(
    st.lists(st.tuples(CLEAN, CLEAN), min_size=1, max_size=8),
    st.integers(0, 3),
    st.sets(st.integers(0, 8)),
    st.data(),
)
def test_any_split_of_a_stream_reads_like_the_whole_answer(
    growth: list[tuple[int, int]], repeats: int, silent: set[int], data: st.DataObject
) -> None:
    prompt, totals, answer, thoughts = 77, [], 0, 0
    for text, thought in growth:
        answer, thoughts = answer + text, thoughts + thought
        totals.append({"promptTokenCount": prompt, "candidatesTokenCount": answer, "thoughtsTokenCount": thoughts})
    chunks: list[dict[str, Any]] = [
        {"candidates": [{}], **({} if index in silent else {"usageMetadata": counts})}
        for index, counts in enumerate(totals[:-1])
    ]
    last = {"candidates": [{"finishReason": "STOP"}], "usageMetadata": totals[-1]}
    whole = extract_usage("gemini.generate_content", last).usage
    assert extract_usage("gemini.stream", [*chunks, last, *[last] * repeats, {"candidates": []}]).usage == whole
    prefix = chunks[: data.draw(st.integers(0, len(chunks)))]
    cut = extract_usage("gemini.stream", prefix).usage
    assert cut is None or cut.source == "partial"


@unhurried
@given(REPORTED)
def test_langsmith_accepts_the_projection_and_its_details_are_disjoint(reported: tuple[str, Any]) -> None:
    usage = extract_usage(*reported).usage
    if usage:
        sent: Any = to_langsmith(usage)
        validate_extracted_usage_metadata(sent)
        for side in ("input", "output"):
            parts = sent[f"{side}_token_details"]
            assert all(count >= 0 for count in parts.values())
            assert sum(parts.values()) <= sent[f"{side}_tokens"]
        assert sent["total_tokens"] == sent["input_tokens"] + sent["output_tokens"]


@unhurried
@given(REPORTED)
@example(("gemini.generate_content", {"usageMetadata": {"promptTokenCount": 1, "toolUsePromptTokenCount": MAX_COUNT}}))
def test_our_own_metadata_entry_loses_nothing(reported: tuple[str, Any]) -> None:
    usage = extract_usage(*reported).usage
    if usage:
        over_the_wire = json.loads(json.dumps(to_everytoken(usage, response_id="r")))
        found = extract_usage("everytoken", over_the_wire)
        assert (found.usage, found.response_id) == (usage, "r")
        assert found.usage is not None
        assert found.usage.raw == usage.raw


@unhurried
@given(st.sampled_from(SHAPES), st.one_of(SUGGESTIVE, JSON))
def test_arbitrary_json_never_raises_and_gives_lawful_usage_or_a_reason(shape: str, raw: Any) -> None:
    found = extract_usage(shape, raw)
    if found.usage is None:
        assert found.reason in ("absent", "not_usage", "unreadable", "total_only")
    for usage in (found.usage, *found.parts, *(child.usage for child in found.children)):
        if usage:
            assert_lawful(usage)


@unhurried
@given(SUGGESTIVE, SUGGESTIVE, SUGGESTIVE, st.sampled_from(["llm", "chain", "tool", "embedding"]))
def test_arbitrary_runs_give_lawful_evidence(metadata: Any, extra: Any, outputs: Any, run_type: str) -> None:
    run = Run(
        run_id="r", trace_id="t", project="p", run_type=run_type, start_us=1,
        metadata=metadata if isinstance(metadata, dict) else {"usage_metadata": metadata},
        extra=extra if isinstance(extra, dict) else {"metrics": extra}, outputs=outputs,
    )  # fmt: skip
    evidence = evidence_of(run)
    assert [e.index for e in evidence] == list(range(len(evidence)))
    assert evidence or run_type in ("chain", "tool")
    for one in evidence:
        if one.usage:
            assert_lawful(one.usage)


def test_time_grows_linearly_with_what_is_read() -> None:
    import time

    def seconds(count: int) -> float:
        chunk = {"candidates": [{}], "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 2}}
        chunks = [chunk] * count
        best = math.inf
        for _ in range(5):
            started = time.perf_counter()
            extract_usage("gemini.stream", chunks)
            best = min(best, time.perf_counter() - started)
        return best

    # Ten times the chunks may take twenty times as long on a busy machine; quadratic work would take a hundred.
    assert seconds(10_000) < 40 * seconds(1_000)
