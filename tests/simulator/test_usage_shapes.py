"""One bill in the words of each provider, every class of it."""

from everytoken.simulator import gemini_interactions, gemini_wire, openai_chat, openai_responses
from everytoken.simulator.billing import Billed

TEXT = Billed(
    input=1000, cached=384, cache_write=128, output=300, reasoning=192, accepted_prediction=20, rejected_prediction=30
)
SEEN = Billed(
    input=1200,
    cached=256,
    tool_use=200,
    input_image=258,
    input_audio=320,
    output=1500,
    reasoning=100,
    output_image=1290,
)


def test_chat_tells_parts_inside_their_totals() -> None:
    assert openai_chat.usage_json(TEXT) == {
        "prompt_tokens": 1000,
        "completion_tokens": 300,
        "total_tokens": 1300,
        "prompt_tokens_details": {"cached_tokens": 384, "audio_tokens": 0, "cache_write_tokens": 128},
        "completion_tokens_details": {
            "reasoning_tokens": 192,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 20,
            "rejected_prediction_tokens": 30,
        },
    }


def test_responses_tell_cache_reads_writes_and_reasoning() -> None:
    assert openai_responses.usage_json(TEXT) == {
        "input_tokens": 1000,
        "input_tokens_details": {"cached_tokens": 384, "cache_write_tokens": 128},
        "output_tokens": 300,
        "output_tokens_details": {"reasoning_tokens": 192},
        "total_tokens": 1300,
    }


def test_gemini_tells_thoughts_and_tool_use_beside_their_totals() -> None:
    assert gemini_wire.usage_json(SEEN) == {
        "promptTokenCount": 1000,
        "candidatesTokenCount": 1400,
        "totalTokenCount": 2700,
        "cachedContentTokenCount": 256,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 422},
            {"modality": "IMAGE", "tokenCount": 258},
            {"modality": "AUDIO", "tokenCount": 320},
        ],
        "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 256}],
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1290}],
        "toolUsePromptTokenCount": 200,
        "toolUsePromptTokensDetails": [{"modality": "TEXT", "tokenCount": 200}],
        "thoughtsTokenCount": 100,
    }


def test_gemini_leaves_zeros_out() -> None:
    assert gemini_wire.usage_json(Billed(input=5)) == {
        "promptTokenCount": 5,
        "totalTokenCount": 5,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 5}],
    }


def test_interactions_tell_searches_apart() -> None:
    usage = gemini_interactions.usage_json(Billed(input=300, tool_use=200, output=90, reasoning=60, web_search=2))
    assert (usage["total_input_tokens"], usage["total_tool_use_tokens"]) == (100, 200)
    assert (usage["total_output_tokens"], usage["total_thought_tokens"], usage["total_tokens"]) == (30, 60, 390)
    assert usage["grounding_tool_count"] == [{"type": "google_search", "count": 2}]
