"""Usage × price, worked out by hand: each expected text is arithmetic on published rates, never output of the code.

Rates are US dollars per million tokens, as genai-prices 0.2.3 quotes the providers' price pages
(https://platform.openai.com/docs/pricing, https://ai.google.dev/gemini-api/docs/pricing); fees per call as
`catalog/prices.toml` says.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from everytoken.catalog import PriceBook
from everytoken.core.charge import Cost
from everytoken.core.usage import Usage

BOOK = PriceBook()
NOW = "2026-11-22T12:00:00"


def micros(at: str) -> int:
    return round(datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp()) * 1_000_000


@dataclass(frozen=True)
class Case:
    provider: str | None
    model: str
    tokens: tuple[int, int]
    usd: str | None
    """Plain decimal text; `None` for an unknown cost."""
    reason: str | None = None
    sent: dict[str, int] = field(default_factory=dict)
    made: dict[str, int] = field(default_factory=dict)
    meters: dict[str, str] = field(default_factory=dict)
    tier: str | None = None
    at: str = NOW
    requests: int = 1


def price(case: Case) -> Cost:
    meters = {name: Decimal(amount) for name, amount in case.meters.items()}
    usage = Usage(*case.tokens, case.sent, case.made, meters, requests=case.requests, tier=case.tier)
    return BOOK.price(usage, provider=case.provider, model=case.model, at_us=micros(case.at))


O, G, V = "openai", "google", "google-vertex"  # noqa: E741 short, so that a case stays one line
CACHED = {"cache_read": 600_000}

TEXT = [
    Case(O, "gpt-5.2", (47, 12), "0.00025025"),  # 47 × 1.75 = 82.25; 12 × 14 = 168; 250.25 / 1M
    Case(O, "gpt-5.2", (520, 741), "0.011284"),  # 910 + 10,374
    Case(O, "gpt-5.2", (128, 128), "0.002016"),  # 224 + 1,792
    Case(O, "gpt-5.2", (89, 512), "0.00732375"),  # 155.75 + 7,168
    Case(O, "gpt-5.2", (256, 89), "0.001694"),  # 448 + 1,246
    Case(O, "gpt-5.2-2025-12-11", (1_000_000, 0), "1.75"),
    Case(O, "gpt-5.2", (1_000_000, 0), "0.805", sent=CACHED),  # 0.4 × 1.75 + 0.6 × 0.175 = 0.7 + 0.105
    Case(O, "gpt-5.2", (0, 1_000), "0.014", made={"reasoning": 900}),  # reasoning is output
    Case(O, "gpt-5.1", (1_000, 1_000), "0.01125"),  # 1.25 + 10
    Case(O, "gpt-5", (1_000, 1_000), "0.01125"),
    Case(O, "gpt-5-mini", (4_000, 1_000), "0.003"),  # 1 + 2
    Case(O, "gpt-5-nano", (20_000, 5_000), "0.003"),  # 1 + 2
    Case(O, "gpt-4.1", (1_000_000, 100_000), "1.9", sent=CACHED),  # 0.4 × 2 + 0.6 × 0.5 + 0.8
    Case(O, "gpt-4.1-mini", (10_000, 5_000), "0.012"),  # 4 + 8
    Case(O, "gpt-4o", (10_000, 1_000), "0.035"),  # 25 + 10
    Case(O, "gpt-4o", (1_000_000, 0), "1.75", sent=CACHED),  # 0.4 × 2.5 + 0.6 × 1.25
    Case(O, "gpt-4o-2024-05-13", (1_000, 1_000), "0.02"),  # a snapshot with a price of its own: 5 + 15
    Case(O, "gpt-4o-2024-05-13", (1_000, 0), "0.005", sent={"cache_read": 500}),  # no cached rate: the input's
    Case(O, "gpt-4o-mini", (10_000, 1_000), "0.0021"),  # 1.5 + 0.6
    Case(O, "o1", (1_000, 1_000), "0.075"),  # 15 + 60
    Case(O, "o4-mini", (1_000, 1_000), "0.0055"),  # 1.1 + 4.4
    Case(O, "gpt-6-luna", (1_000_000 // 4, 1_000), "0.0255"),  # 0.25 × 0.1 + 0.0005
    Case(
        O, "gpt-6.1-sol", (2_600, 0), "0.0016", sent={"cache_read": 2_000, "cache_creation": 400}
    ),  # 400 + 200 + 1,000
    Case(O, "text-embedding-3-small", (5_000, 0), "0.0001"),
    Case(O, "text-embedding-3-large", (1_000, 0), "0.00013"),
    Case(G, "gemini-3-flash-preview", (1_000, 1_000), "0.0035"),  # 0.5 + 3
    Case(G, "gemini-3-flash-preview", (1_000_000, 0), "0.23", sent=CACHED),  # 0.4 × 0.5 + 0.6 × 0.05
    Case(G, "gemini-2.5-flash", (1_000, 1_000), "0.0028", made={"reasoning": 700}),  # 0.3 + 2.5
    Case(G, "gemini-2.5-flash-lite", (10_000, 1_000), "0.0014"),  # 1 + 0.4
    Case(G, "gemini-3.5-flash", (1_000, 1_000), "0.0105"),  # 1.5 + 9
    Case(G, "gemini-2.0-flash", (1_000, 1_000), "0.0005"),  # 0.1 + 0.4
    Case(V, "gemini-2.0-flash", (1_000, 1_000), "0.00075"),  # 0.15 + 0.6: Vertex AI asks more
    Case(G, "gemini-embedding-001", (2_000, 0), "0.0003"),
    Case("anthropic", "claude-opus-4-8", (1_000, 1_000), "0.03"),  # 5 + 25
    Case("azure", "gpt-5.2", (47, 12), "0.00025025"),
]
EDGES = [
    Case(O, "gpt-5.4", (272_000, 1_000), "0.695"),  # 0.68 + 0.015
    Case(O, "gpt-5.4", (272_001, 1_000), "1.382505"),  # × 5 = 1.360005; + 0.0225
    Case(O, "gpt-6-astra", (272_000, 0), "2.72"),
    Case(O, "gpt-6-astra", (272_001, 0), "5.44002"),
    Case(O, "gpt-6.1-sol", (272_000, 0), "0.0272", sent={"cache_read": 272_000}),  # × 0.1
    Case(O, "gpt-6.1-sol", (272_001, 0), "0.0544002", sent={"cache_read": 272_001}),  # × 0.2: cached tokens count too
    Case(O, "gpt-5.6-terra", (272_001, 1), "1.088022"),  # × 4 = 1.088004; + 0.000018
    Case(G, "gemini-2.5-pro", (200_000, 1_000), "0.26"),  # 0.25 + 0.01
    Case(G, "gemini-2.5-pro", (200_001, 1_000), "0.5150025"),  # × 2.5 = 0.5000025; + 0.015
    Case(G, "gemini-3.1-pro-preview", (200_000, 0), "0.4"),
    Case(
        G, "gemini-3.1-pro-preview", (200_001, 0), "0.260004", sent={"cache_read": 150_000}
    ),  # 50,001 × 4 + 150,000 × 0.4
    Case(G, "gemini-3-pro-preview", (200_001, 10), "0.800184"),  # × 4 = 0.800004; + 0.00018
    Case(O, "gpt-5.4", (300_000, 0), None, "long_context_undecided", requests=3),
    Case(O, "gpt-5.4", (272_000, 0), "0.68", requests=3),  # none of the three can have been longer
]
TIERS = [
    Case(O, "gpt-5.2", (1_000_000, 100_000), "1.575", tier="flex"),  # 0.875 + 0.7
    Case(O, "gpt-5.2", (100_000, 10_000), "0.63", tier="priority"),  # 0.35 + 0.28
    Case(O, "gpt-5.2", (100_000, 10_000), "0.1575", tier="batch"),  # 0.0875 + 0.07
    Case(O, "gpt-5.2", (100_000, 10_000), "0.315", tier="standard"),  # 0.175 + 0.14
    Case(O, "gpt-4o", (100_000, 0), "0.125", tier="batch", sent={"cache_read": 0}),
    Case(O, "gpt-4o", (100_000, 0), "0.125", tier="batch", sent={"cache_read": 100_000}),  # no batch cached rate: 1.25
    Case(O, "gpt-5.4", (272_001, 0), "0.6800025", tier="flex"),  # × 2.5: the step of the tier
    Case(G, "gemini-2.5-flash", (1_000_000, 0), "0.15", tier="batch"),
    Case(G, "gemini-2.5-pro", (200_001, 0), "0.25000125", tier="batch"),  # × 1.25
    Case(G, "gemini-3.8-flash-tts", (1_000, 1_000), "0.00475", tier="flex"),  # 0.25 + 4.5
    Case(O, "gpt-5.2", (1, 1), None, "tier_unpriced", tier="flex", at="2026-10-11T23:59:59"),
    Case(O, "gpt-5.2", (1_000_000, 0), "0.875", tier="flex", at="2026-10-12T00:00:00"),
    Case(O, "gpt-5.2", (1, 1), None, "tier_unpriced", tier="batch", at="2026-10-13T23:59:59"),
    Case(O, "gpt-5.2", (1_000_000, 0), "0.875", tier="batch", at="2026-10-14T00:00:00"),
    Case(O, "gpt-5.2", (1, 1), None, "tier_unpriced", tier="ultrafast"),
    Case(G, "gemini-2.5-flash", (1, 1), None, "tier_unpriced", tier="flex"),
    Case(G, "gemini-2.5-flash", (1, 1), None, "tier_unpriced", tier="priority"),
    Case("azure", "gpt-5.2", (1, 1), None, "tier_unpriced", tier="flex"),  # the tier is OpenAI's, not Azure's
    Case(V, "gemini-2.5-flash", (1, 1), None, "prepaid", tier="provisioned"),
]
DATES = [
    Case(O, "gpt-5.6-sol", (1_000, 1_000), "0.035", at="2026-08-20T23:59:59"),  # 5 + 30
    Case(O, "gpt-5.6-sol", (1_000, 1_000), "0.024", at="2026-08-21T00:00:00"),  # 4 + 20
    Case(O, "gpt-5.6-luna", (1_000, 1_000), "0.007", at="2026-07-29T23:59:59"),  # 1 + 6
    Case(O, "gpt-5.6-luna", (1_000, 1_000), "0.0014", at="2026-07-30T00:00:00"),  # 0.2 + 1.2
    Case(O, "o3", (1_000, 1_000), "0.05", at="2025-06-09T12:00:00"),  # 10 + 40
    Case(O, "o3", (1_000, 1_000), "0.01", at="2025-06-10T12:00:00"),  # 2 + 8
    Case(G, "gemini-3.8-flash", (1_000, 1_000), "0.0045", at="2026-12-31T23:59:59"),  # 0.75 + 3.75, introductory
    Case(G, "gemini-3.8-flash", (1_000, 1_000), "0.009", at="2027-01-01T00:00:00"),  # 1.5 + 7.5
    Case(G, "gemini-4-argon", (1_000, 1_000), "0.024", at="2026-12-01T00:00:00"),  # 4 + 20
    Case(G, "gemini-3-flash-preview", (0, 0), None, "meter_unpriced", meters={"grounding_query": "1"},
         at="2026-01-04T12:00:00"),
    Case(O, "gpt-6.2-astra", (1_000, 1_000), "0.048"),  # 8 + 40
    Case(O, "gpt-6.2-astra", (1_000, 0), "0.0004", sent={"cache_read": 1_000}),
    Case(O, "gpt-6.2-sol", (1_000, 1_000), "0.012"),  # 2 + 10
    Case(O, "gpt-6.2-sol", (1_000, 0), None, "class_unpriced", sent={"cache_read": 1}),  # not announced
    Case(O, "gpt-6.2-astra", (272_001, 0), None, "long_context_unpriced"),  # not announced
    Case(O, "gpt-6.2-astra", (1, 1), None, "before_first_price", at="2026-11-16T23:59:59"),
]  # fmt: skip
MEDIA = [
    Case(O, "gpt-audio", (1_000, 1_000), "0.08225", sent={"audio": 900}, made={"audio": 800}),
    # 100 × 2.5 = 250; 900 × 32 = 28,800; 200 × 10 = 2,000; 800 × 64 = 51,200; sum 82,250
    Case(O, "gpt-realtime", (1_000, 500), "0.03732", sent={"audio": 800, "cache_read": 300, "cache_read_audio": 200},
         made={"audio": 200}),
    # 100 × 4 = 400; 100 × 0.4 = 40; 600 × 32 = 19,200; 200 × 0.4 = 80; 300 × 16 = 4,800; 200 × 64 = 12,800
    Case(O, "gpt-4o-audio-preview", (100, 10), None, "class_unpriced", sent={"audio": 90}),
    Case(O, "gpt-4o-audio-preview", (100, 10), "0.00035"),  # text alone: 250 + 100
    Case(O, "gpt-4o-transcribe", (1_000, 100), "0.007", sent={"audio": 1_000}),  # 6 + 1
    Case(O, "gpt-4o-mini-tts", (100, 1_000), "0.01206", made={"audio": 1_000}),  # 60 + 12,000
    Case(O, "gpt-4o-mini-tts", (0, 0), None, "meter_unpriced", meters={"characters": "500"}),
    Case(O, "tts-1", (0, 0), "0.0075", meters={"characters": "500"}),  # 15 per 1M
    Case(O, "whisper-1", (0, 0), "0.00079", meters={"audio_seconds": "7.9"}),  # 0.36 an hour: 0.0001 a second
    Case(O, "sora-2", (0, 0), "0.8", meters={"video_seconds": "8"}),
    Case(O, "gpt-image-1", (60, 4_160), "0.1667", made={"image": 4_160}),  # 300 + 166,400
    Case(O, "gpt-image-1.5", (400, 1_056), "0.036692", sent={"image": 300}, made={"image": 1_056}),
    # 100 × 5 = 500; 300 × 8 = 2,400; 1,056 × 32 = 33,792
    Case(G, "gemini-3-pro-image", (0, 1_120), "0.1344", made={"image": 1_120}),
    Case(G, "gemini-3-pro-image-preview", (300, 1_420), "0.1386", made={"image": 1_120, "reasoning": 200}),
    # 300 × 2 = 600; 300 × 12 = 3,600; 1,120 × 120 = 134,400
    Case(G, "gemini-3-pro-image", (0, 2_000), "0.24", made={"image": 2_000}, meters={"images": "1"}),  # not twice
    Case(G, "gemini-3.1-flash-image", (0, 1_120), "0.0672", made={"image": 1_120}),
    Case(G, "gemini-2.5-flash-image", (0, 1_290), "0.0387", made={"image": 1_290}),
    Case(G, "gemini-2.5-flash", (1_000, 0), "0.00065", sent={"audio": 500}),  # 150 + 500
    Case(G, "gemini-2.5-flash", (1_000, 0), "0.000299",
         sent={"audio": 500, "cache_read": 600, "cache_read_audio": 300}),
    # 200 × 0.3 = 60; 200 × 1 = 200; 300 × 0.03 = 9; 300 × 0.1 = 30
    Case(G, "gemini-3.5-flash", (1_000, 0), "0.0015", sent={"audio": 1_000}),  # one rate for all input
    Case(G, "gemini-2.5-flash-tts", (0, 1_000), "0.01", made={"audio": 1_000}),  # speech is filed under output
    Case(G, "gemini-embedding-2", (1_000, 0), "0.00211", sent={"audio": 100, "image": 400, "video": 100}),
    # 400 × 0.2 = 80; 100 × 6.5 = 650; 400 × 0.45 = 180; 100 × 12 = 1,200
    Case(G, "imagen-4.0-generate-001", (0, 0), None, "model_unknown", meters={"images": "1"}),
]  # fmt: skip
FEES = [
    Case(O, "gpt-5.2", (1_000, 0), "0.05175", meters={"web_search": "5"}),  # 5 × 0.01 + 0.00175
    Case(O, "gpt-5.2", (0, 0), "0.0075", meters={"file_search": "3"}),  # 3 × 0.0025
    Case(O, "gpt-5.2", (0, 0), "0.03", meters={"code_session": "1"}),
    Case(O, "gpt-5.2", (0, 0), None, "meter_unpriced", meters={"code_session_4g": "1"}),
    Case(O, "gpt-4o", (0, 0), "0.05", meters={"web_search_preview": "2"}),  # 0.025 each: no reasoning
    Case(O, "o4-mini", (0, 0), "0.02", meters={"web_search_preview": "2"}),  # 0.01 each: reasoning
    Case(O, "gpt-5.3-chat-latest", (1, 1), None, "meter_unpriced", meters={"web_search": "5"}),
    Case(O, "gpt-5.3-chat-latest", (1_000, 0), "0.00175", meters={"web_search": "0"}),
    Case(G, "gemini-2.5-flash", (0, 0), "0.035", meters={"grounded_prompt": "1"}),
    Case(G, "gemini-3-flash-preview", (0, 0), "0.042", meters={"grounding_query": "3"}),  # 3 × 0.014
    Case(G, "gemini-2.5-pro", (0, 0), "0.025", meters={"maps_query": "1"}),
    Case(G, "gemini-2.5-pro", (0, 0), "0.045", meters={"cache_storage_token_hours": "10000"}),  # × 4.5/1M
]
FREE_AND_UNKNOWN = [
    Case(O, "omni-moderation-latest", (500, 0), "0"),
    Case(G, "gemma-3-27b-it", (500, 500), "0"),
    Case(O, "gpt-5.2", (0, 0), "0"),
    Case(O, "gpt-99", (0, 0), None, "model_unknown"),
    Case(G, "gemini-3.8-flash-lite", (1, 1), None, "model_unknown"),  # begins like a model that has a price
    Case(O, "gpt-5.2-2027-01-01", (1, 1), None, "model_unknown"),  # a snapshot may have a price of its own
    Case("acme", "gpt-5.2", (1, 1), None, "provider_unknown"),
    Case(None, "my-model", (1, 1), None, "model_unknown"),
    Case(None, "gpt-oss-120b", (1, 1), None, "model_unknown"),  # open weights: anyone may bill it
    Case(O, " ", (1, 1), None, "model_unknown"),
    Case(O, "text-embedding-3-small", (1, 1), None, "class_unpriced"),  # no output price
]
NAMES = [
    Case(G, "models/gemini-2.5-flash", (1_000_000, 0), "0.3"),
    Case(V, "publishers/google/models/gemini-2.5-flash", (1_000_000, 0), "0.3"),
    Case(V, "projects/p/locations/us/publishers/google/models/gemini-2.5-flash", (1_000_000, 0), "0.3"),
    Case(None, "google/gemini-2.5-flash", (1_000_000, 0), "0.3"),
    Case(None, "openai/gpt-5.2", (1_000_000, 0), "1.75"),
    Case(None, "gpt-5.2", (1_000_000, 0), "1.75"),
    Case(O, "GPT-5.2", (1_000_000, 0), "1.75"),
    Case("google_genai", "gemini-2.5-flash", (1_000_000, 0), "0.3"),
    Case("gcp.vertex_ai", "gemini-2.5-flash@default", (1_000_000, 0), "0.3"),
    Case("az.ai.openai", "gpt-5.2", (1_000_000, 0), "1.75"),
]
ALL = [*TEXT, *EDGES, *TIERS, *DATES, *MEDIA, *FEES, *FREE_AND_UNKNOWN, *NAMES]


def label(case: Case) -> str:
    return f"{case.model} {case.tokens} {case.tier or ''} {case.sent or ''} {case.made or ''} {case.meters or ''}"


@pytest.mark.parametrize("case", ALL, ids=label)
def test_a_usage_costs_what_the_price_list_says(case: Case) -> None:
    cost = price(case)
    assert cost.usd == (None if case.usd is None else Decimal(case.usd))
    assert cost.reason == case.reason
    assert cost.status == ("unpriced" if case.usd is None else "priced")
    assert cost.usd is None or sum((line.usd for line in cost.lines), Decimal(0)) == cost.usd
    assert all(line.count * line.rate_usd / line.per == line.usd for line in cost.lines)


def test_the_cases_are_as_many_and_as_varied_as_promised() -> None:
    assert len([case for case in ALL if case.usd is not None]) >= 60
    assert len({case.model for case in ALL if case.usd is not None}) >= 25


def test_a_rate_by_the_hour_that_does_not_divide_is_cut_far_below_a_pico_dollar() -> None:
    cost = BOOK.price(
        Usage(meters={"audio_seconds": Decimal(1)}), provider="openai", model="gpt-live-transcribe", at_us=micros(NOW)
    )
    assert cost.usd == Decimal("0.000283333333333333")  # 1.02 / 3,600


def test_the_entry_and_the_source_are_kept() -> None:
    cost = BOOK.price(Usage(1, 1), provider="google", model="gemini-3-pro-image", at_us=micros(NOW))
    assert (cost.entry, cost.source) == ("google/gemini-3-pro-image-preview", "genai-prices 0.2.3")


def test_the_arithmetic_is_shown_line_by_line() -> None:
    cost = BOOK.price(Usage(1_000, 10, {"cache_read": 400}), provider="openai", model="gpt-5.2", at_us=micros(NOW))
    shown = [(line.token_class, line.count, line.rate_usd, line.per, line.usd) for line in cost.lines]
    assert shown == [
        ("input", Decimal(600), Decimal("1.75"), 1_000_000, Decimal("0.00105")),
        ("cache_read", Decimal(400), Decimal("0.175"), 1_000_000, Decimal("0.00007")),
        ("output", Decimal(10), Decimal("14"), 1_000_000, Decimal("0.00014")),
    ]


def test_no_usage_is_unpriced_and_not_free() -> None:
    cost = BOOK.price(None, provider="openai", model="gpt-5.2", at_us=micros(NOW))
    assert (cost.usd, cost.status, cost.reason) == (None, "unpriced", "usage_missing")


def test_an_estimated_usage_has_an_estimated_cost() -> None:
    cost = BOOK.price(Usage(47, 12, source="estimated"), provider="openai", model="gpt-5.2", at_us=micros(NOW))
    assert (cost.usd, cost.status) == (Decimal("0.00025025"), "estimated")


def test_a_partial_usage_is_priced_for_what_was_seen() -> None:
    cost = BOOK.price(Usage(47, 12, source="partial"), provider="openai", model="gpt-5.2", at_us=micros(NOW))
    assert (cost.usd, cost.status) == (Decimal("0.00025025"), "priced")


def test_a_cached_modality_nobody_told_makes_the_cost_approximate() -> None:
    usage = Usage(1_000, 0, {"audio": 500, "cache_read": 300})
    cost = BOOK.price(usage, provider="google", model="gemini-2.5-flash", at_us=micros(NOW))
    assert cost.usd == Decimal("0.000569")  # text first: 200 × 0.3 + 300 × 0.03 + 500 × 1
    assert (cost.status, cost.reason) == ("approximate", "cached_modality_unknown")


def test_a_cached_modality_nobody_told_is_exact_where_all_modalities_cost_the_same() -> None:
    usage = Usage(1_000, 0, {"audio": 500, "cache_read": 300})
    cost = BOOK.price(usage, provider="google", model="gemini-3.5-flash", at_us=micros(NOW))
    assert (cost.usd, cost.status) == (Decimal("0.001095"), "priced")  # 700 × 1.5 + 300 × 0.15


def test_a_call_path_that_names_the_batch_is_priced_as_one() -> None:
    cost = BOOK.price(
        Usage(1_000_000, 0), provider="openai", model="gpt-5.2", at_us=micros(NOW), call_path="openai.chat.batch"
    )
    assert cost.usd == Decimal("0.875")


def test_the_sum_of_several_requests_in_one_usage_has_no_length() -> None:
    usage = Usage(300_000, 0, warnings=("usage_merged_hops",))
    cost = BOOK.price(usage, provider="google", model="gemini-2.5-pro", at_us=micros(NOW))
    assert (cost.usd, cost.reason) == (None, "long_context_undecided")


def test_times_that_are_none_are_no_error() -> None:
    for at_us in (-(10**30), 0, 10**30):
        assert BOOK.price(Usage(1, 1), provider="openai", model="gpt-5.2", at_us=at_us).usd == Decimal("0.00001575")


def test_the_hosts_decimal_context_does_not_round_an_invoice() -> None:
    from decimal import localcontext

    with localcontext() as context:
        context.prec = 3
        cost = BOOK.price(Usage(123_457, 98_765), provider="openai", model="gpt-5.2", at_us=micros(NOW))
    assert cost.usd == Decimal("1.59875975")  # 0.21604975 + 1.38271
