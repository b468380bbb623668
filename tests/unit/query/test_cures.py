"""The cause of a missing number is told from what the charge says."""

import pytest

from everytoken.query.cures import CURES, Said, cause_of


def said(call_path: str = "openai.chat", quality: str = "missing", **fields: object) -> Said:
    known = {"unpriced_reason": "usage_missing", "layer": "sdk", "status": "success", **fields}
    return Said(call_path=call_path, quality=quality, **known)  # type: ignore[arg-type] # the test names the fields


@pytest.mark.parametrize(
    ("charge", "cause"),
    [
        (said("openai.chat.stream"), "stream_without_usage"),
        (said("openai.chat.stream", layer="framework"), "framework_without_usage"),
        (said("openai.chat.stream", status="cancelled"), "stream_not_consumed"),
        (said("openai.responses.stream"), "stream_not_consumed"),
        (said("gemini.stream"), "stream_not_consumed"),
        (said(layer="otel"), "otel_without_usage"),
        (said(layer="manual"), "manual_without_usage"),
        (said(), "usage_missing"),
        (said(status="error"), "call_failed"),
        (said(status="pending"), "still_running"),
        (said(quality="partial", is_cut=True), "stream_cut"),
        (said(quality="partial", status="cancelled"), "stream_cut"),
        (said(quality="partial", is_one_sided=True), "one_side_reported"),
        (said(quality="partial"), "partly_reported"),
        (said(quality="estimated"), "estimated"),
        (said(quality="exact", unpriced_reason="model_unknown"), "model_unknown"),
        (said(quality="exact", unpriced_reason="a_reason_of_tomorrow"), "not_priced"),
        (said(quality="exact", unpriced_reason=""), None),
    ],
)
def test_each_charge_names_its_own_cause(charge: Said, cause: str | None) -> None:
    assert cause_of(charge) == cause
    assert cause is None or cause in CURES
