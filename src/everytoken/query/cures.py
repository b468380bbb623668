"""Why a number is missing, incomplete or without a price, and what to do about it. A table, not a guess: each cause is
told from what the charge itself says."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["usage", "price", "none"]


@dataclass(frozen=True, slots=True)
class Cure:
    kind: Kind
    """`none`: nothing is wrong with the app."""
    text: str
    snippet: str | None = None


ADD_PRICE = """everytoken prices missing --url http://127.0.0.1:8700 > prices.toml  # fill in what it lists
EVERYTOKEN_PRICES=prices.toml everytoken serve"""

CURES: dict[str, Cure] = {
    "still_running": Cure("none", "The call has not ended yet; its usage comes with its end."),
    "call_failed": Cure(
        "none",
        "The call failed and sent no usage. A refusal is not billed; an answer that was lost on its way may be.",
    ),
    # `stream_options` as the docstring of openai 3.54 `chat.completions.create` describes it (read 2026-11-22)
    "stream_without_usage": Cure(
        "usage",
        "A Chat Completions stream carries usage only when asked: it comes in one more chunk at the end.",
        'client.chat.completions.create(..., stream=True, stream_options={"include_usage": True})',
    ),
    # `stream_usage` of langchain-openai 1.7 `BaseChatOpenAI` (source read 2026-11-22)
    "framework_without_usage": Cure(
        "usage",
        "LangChain's model was not told to ask for usage while it streams.",
        "ChatOpenAI(..., stream_usage=True)",
    ),
    "stream_not_consumed": Cure(
        "usage",
        "The stream ended without a usage report. Read it to its end, also when the client has gone.",
        "async for chunk in stream:\n    ...  # no break before the last chunk",
    ),
    "stream_cut": Cure(
        "usage",
        "The stream was cut before its last chunk; what was counted until then is kept. Read it to its end.",
        "async for chunk in stream:\n    ...  # no break before the last chunk",
    ),
    "one_side_reported": Cure(
        "usage",
        "Only one of input and output was reported. Pass the provider's whole usage object on.",
        "everytoken.instrument()",
    ),
    "otel_without_usage": Cure(
        "usage",
        "The OpenTelemetry span carries no token counts. Set them where the span ends.",
        'span.set_attribute("gen_ai.usage.input_tokens", usage.prompt_tokens)\n'
        'span.set_attribute("gen_ai.usage.output_tokens", usage.completion_tokens)',
    ),
    "manual_without_usage": Cure(
        "usage",
        "The run was reported by the app itself, without usage. Let the client report it.",
        "import everytoken\n\neverytoken.instrument()  # before the first client is made",
    ),
    "usage_missing": Cure(
        "usage",
        "The provider's answer carried no usage that the reporting client passed on.",
        "import everytoken\n\neverytoken.instrument()  # before the first client is made",
    ),
    "partly_reported": Cure("usage", "The provider's report is incomplete; what it says is kept.", None),
    "estimated": Cure(
        "usage",
        "The counts were estimated and stay outside billed totals. Let the client report what the provider says.",
        "import everytoken\n\neverytoken.instrument()  # before the first client is made",
    ),
    "model_unknown": Cure(
        "price",
        "The model is in no price table. Add its price and name it to the server.",
        ADD_PRICE,
    ),
    "tier_unpriced": Cure("price", "The service tier has no price. Add an entry for the tier.", ADD_PRICE),
    "meter_unpriced": Cure("price", "Something that is billed beside tokens has no price. Add it.", ADD_PRICE),
    "before_first_price": Cure("price", "The call is older than the first known price. Add a dated entry.", ADD_PRICE),
    "prepaid": Cure("none", "Prepaid capacity is not billed by the token."),
    "not_priced": Cure("price", "No price was found for the call.", ADD_PRICE),
}


@dataclass(frozen=True, slots=True)
class Said:
    """What a charge says about itself, as far as it tells causes apart."""

    call_path: str
    quality: str
    unpriced_reason: str
    """Empty when the charge has a price."""
    layer: str
    status: str
    is_cut: bool = False
    is_one_sided: bool = False


def cause_of(said: Said) -> str | None:
    """Code of `CURES`; `None` when there is nothing to explain. Missing usage explains a missing price."""
    if said.quality == "missing":
        return _missing(said)
    if said.quality == "partial":
        cut = said.is_cut or said.status in ("cancelled", "interrupted")
        return "stream_cut" if cut else "one_side_reported" if said.is_one_sided else "partly_reported"
    if said.quality == "estimated":
        return "estimated"
    if not said.unpriced_reason:
        return None
    return said.unpriced_reason if CURES.get(said.unpriced_reason, _NO_CURE).kind != "usage" else "not_priced"


_NO_CURE = Cure("usage", "")


def _missing(said: Said) -> str:
    if said.status == "pending":
        return "still_running"
    if said.status == "error":
        return "call_failed"
    if ".stream" in said.call_path:
        if said.layer == "framework":
            return "framework_without_usage"
        chat = ".chat." in said.call_path
        return "stream_without_usage" if chat and said.status == "success" else "stream_not_consumed"
    return {"otel": "otel_without_usage", "manual": "manual_without_usage"}.get(said.layer, "usage_missing")
