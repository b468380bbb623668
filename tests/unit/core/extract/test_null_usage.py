"""A usage object whose counts are all null says nothing: unknown, not zero, also where a fee is known."""

import pytest

from everytoken.core.extract import extract_usage

SEARCHED = {
    "id": "resp_1",
    "model": "gpt-5.2",
    "output": [{"type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "q"}}],
    "tools": [{"type": "web_search"}],
    "usage": {"input_tokens": None, "output_tokens": None, "total_tokens": None},
}
GROUNDED = {
    "responseId": "r1",
    "candidates": [{"groundingMetadata": {"webSearchQueries": ["q"]}}],
    "usageMetadata": {"promptTokenCount": None, "candidatesTokenCount": None, "totalTokenCount": None},
}


@pytest.mark.parametrize(("shape", "raw"), [("openai.responses", SEARCHED), ("gemini.generate_content", GROUNDED)])
def test_null_counts_beside_a_search_fee_stay_unknown(shape: str, raw: object) -> None:
    found = extract_usage(shape, raw, {"model": "gpt-5.2"})
    assert found.usage is None or found.usage.source != "provider"
