"""LangChain: real messages and results, their serialised form, and runs as the tracer writes them."""

from decimal import Decimal
from typing import Any

import pytest
from langchain_core.load import dumpd
from langchain_core.messages import AIMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, Generation, LLMResult

from everytoken.core.extract import evidence_of, extract_usage
from everytoken.core.run import Run

OWN = {
    "prompt_tokens": 20,
    "completion_tokens": 10,
    "total_tokens": 30,
    "prompt_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 8, "image_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 3, "rejected_prediction_tokens": 2},
}


def answer(response_id: str | None = "chatcmpl-1", cached: bool = False, **metadata: Any) -> AIMessage:
    counts = UsageMetadata(input_tokens=20, output_tokens=10, total_tokens=30, input_token_details={"cache_read": 5})
    told: Any = {**counts, "total_cost": 0} if cached else counts
    named = {"id": response_id, "model_name": "gpt-4o-mini-2024-07-18"} if response_id else {}
    return AIMessage(content="네", usage_metadata=told, response_metadata={**named, **metadata})


def result(*batches: list[AIMessage]) -> LLMResult:
    return LLMResult(generations=[[ChatGeneration(message=m) for m in batch] for batch in batches])


def llm_run(outcome: LLMResult, **extra: Any) -> Run:
    return Run(
        run_id="r", trace_id="t", project="p", run_type="llm", start_us=1, end_us=2,
        metadata={"ls_provider": "openai", "ls_model_name": "gpt-4o-mini", "ls_model_type": "chat", **extra},
        outputs=outcome_as_json(outcome),
    )  # fmt: skip


def outcome_as_json(outcome: LLMResult) -> dict[str, Any]:
    """As the tracer sends it: generations dumped, messages in their serialised form."""
    return {
        "generations": [
            [
                {"text": g.text, "type": g.type, "message": dumpd(g.message)}
                for g in batch
                if isinstance(g, ChatGeneration)
            ]
            for batch in outcome.generations
        ],
        "llm_output": outcome.llm_output,
        "type": "LLMResult",
    }


def test_a_message_and_its_serialised_form_say_the_same() -> None:
    message = answer(token_usage=OWN, service_tier="default")
    forms = {"object": message, "dump": message.model_dump(), "serialised": dumpd(message)}
    for form, raw in forms.items():
        found = extract_usage("langchain.message", raw)
        assert found.usage is not None, form
        assert (found.usage.input_tokens, found.usage.output_tokens, found.usage.tier) == (20, 10, "standard"), form
        assert (found.response_id, found.response_model) == ("chatcmpl-1", "gpt-4o-mini-2024-07-18"), form
        # What LangChain's own form drops is read from the provider's object beside it.
        assert found.usage.input_token_details == {"cache_read": 5, "cache_creation": 8, "image": 4}, form
        assert found.usage.output_token_details == {"reasoning": 3, "prediction_rejected": 2}, form


def test_a_message_id_that_langchain_made_up_is_no_response_id() -> None:
    message = answer(response_id=None).model_copy(update={"id": "lc_run--0193"})
    assert extract_usage("langchain.message", message).response_id is None


def test_choices_of_one_request_are_counted_once() -> None:
    for copies in ([answer(), answer()], [answer(response_id=None), answer(response_id=None)]):
        found = extract_usage("langchain.result", result(copies))
        assert found.usage is not None
        assert (found.usage.input_tokens, found.usage.requests) == (20, 1)


def test_a_batch_is_as_many_requests_as_it_has_prompts() -> None:
    found = extract_usage("langchain.result", result([answer("chatcmpl-1")], [answer("chatcmpl-2")]))
    assert found.usage is not None
    assert (found.usage.input_tokens, found.usage.requests, len(found.parts)) == (40, 2, 2)


def test_a_result_of_plain_texts_has_its_usage_in_llm_output() -> None:
    plain = LLMResult(generations=[[Generation(text="a")]], llm_output={"token_usage": OWN, "model_name": "gpt-3.5"})
    found = extract_usage("langchain.result", plain)
    assert found.usage is not None
    assert (found.usage.total_tokens, found.response_model) == (30, "gpt-3.5")


def test_the_tracers_sum_over_choices_does_not_multiply_the_run() -> None:
    # langchain-core adds the copied usage of both choices up: 40 and 20 for one request of 20 and 10.
    summed = {"input_tokens": 40, "output_tokens": 20, "total_tokens": 60}
    (evidence,) = evidence_of(llm_run(result([answer(), answer()]), usage_metadata=summed))
    assert evidence.usage is not None
    assert (evidence.usage.input_tokens, evidence.usage.output_tokens) == (20, 10)
    assert (evidence.response_id, evidence.layer, evidence.place) == ("chatcmpl-1", "framework", "outputs.generations")


def test_a_batch_in_one_run_is_several_pieces_of_evidence() -> None:
    evidence = evidence_of(llm_run(result([answer("chatcmpl-1")], [answer("chatcmpl-2")])))
    assert [(e.index, e.response_id) for e in evidence] == [(0, "chatcmpl-1"), (1, "chatcmpl-2")]


def test_the_message_lends_the_metadata_its_identity_and_details() -> None:
    told = {"input_tokens": 20, "output_tokens": 10, "total_tokens": 30}
    (evidence,) = evidence_of(llm_run(result([answer(token_usage=OWN)]), usage_metadata=told))
    assert (evidence.place, evidence.response_id) == ("metadata.usage_metadata", "chatcmpl-1")
    assert (evidence.request_model, evidence.response_model) == ("gpt-4o-mini", "gpt-4o-mini-2024-07-18")
    assert evidence.usage is not None
    assert evidence.usage.input_token_details["image"] == 4


@pytest.mark.parametrize("in_metadata", [True, False])
def test_an_answer_from_langchains_cache_is_marked(in_metadata: bool) -> None:
    told = {"usage_metadata": {"input_tokens": 20, "output_tokens": 10, "total_tokens": 30}} if in_metadata else {}
    (evidence,) = evidence_of(llm_run(result([answer(cached=True)]), **told))
    assert evidence.cached_answer


def test_searches_of_gemini_and_openai_are_found_in_the_message() -> None:
    grounded = AIMessage(content="", usage_metadata=answer().usage_metadata, response_metadata={
        "model_name": "gemini-3-flash-preview", "grounding_metadata": {"web_search_queries": ["a", "b"]},
    })  # fmt: skip
    found = extract_usage("langchain.message", grounded).usage
    assert found is not None
    assert found.meters == {"grounding_query": Decimal(2)}
    call = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}}
    searched = AIMessage(content=[call, {"type": "text", "text": "네"}], usage_metadata=answer().usage_metadata)
    found = extract_usage("langchain.message", searched).usage
    assert found is not None
    assert found.meters == {"web_search": Decimal(1)}


def test_renamed_details_of_a_tier_are_read_with_their_cache_writes() -> None:
    told = {
        "input_tokens": 100,
        "output_tokens": 50,
        "total_tokens": 150,
        "input_token_details": {"priority_cache_read": 40, "priority_cache_creation": 20, "priority": 60},
        "output_token_details": {"priority_reasoning": 20, "priority": 30},
    }
    found = extract_usage("langsmith.usage_metadata", told).usage
    assert found is not None
    assert (found.tier, found.input_token_details) == ("priority", {"cache_read": 40, "cache_creation": 20})
    assert found.output_token_details == {"reasoning": 20}


def test_reasoning_left_out_by_a_compatible_endpoint_is_added() -> None:
    told = {"input_tokens": 10, "output_tokens": 20, "total_tokens": 37, "output_token_details": {"reasoning": 7}}
    found = extract_usage("langsmith.usage_metadata", told, {"provider": "openai"}).usage
    assert found is not None
    assert (found.output_tokens, found.warnings) == (27, ("usage_reasoning_added",))


def test_what_wrap_gemini_drops_is_recovered_from_its_total() -> None:
    # 100 prompt, 50 candidates, 20 thoughts and 30 tokens of a tool-use prompt, of which only the total tells.
    told = {"input_tokens": 100, "output_tokens": 50, "total_tokens": 200, "output_token_details": {"reasoning": 20}}
    found = extract_usage("langsmith.usage_metadata", told, {"provider": "google-vertex"}).usage
    assert found is not None
    assert (found.input_tokens, found.output_tokens) == (130, 70)
    assert found.input_token_details == {"tool_use": 30}
    # Without thoughts there is nothing to tell them apart: all that is missing counts as output.
    told = {"input_tokens": 100, "output_tokens": 50, "total_tokens": 170}
    found = extract_usage("langsmith.usage_metadata", told, {"provider": "google"}).usage
    assert found is not None
    assert (found.input_tokens, found.output_tokens, found.warnings) == (100, 70, ("usage_output_from_total",))
