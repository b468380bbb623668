"""Laws of pricing, for any usage and any model of the price book; the price library itself is the second witness."""

from datetime import UTC, datetime
from decimal import Decimal, localcontext

import genai_prices.types as engine
import pytest
from genai_prices.data import providers
from hypothesis import given
from hypothesis import strategies as st

from everytoken.catalog import PriceBook, library
from everytoken.catalog.rates import RATES, UNKNOWN, first_price, slice_price
from everytoken.core.charge import Cost
from everytoken.core.pricing import MONEY, split_usage, total_usd
from everytoken.core.usage import INPUT_DETAILS, MODALITIES, OUTPUT_DETAILS, Usage

BOOK = PriceBook()
AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
AT_US = int(AT.timestamp()) * 1_000_000
LISTED = [(p.id, m.id) for p in providers if p.id in ("openai", "google") for m in p.models if "claude" not in m.id]
FLAT = ["gpt-5.2", "gpt-5", "gpt-4o", "gpt-4.1-mini", "o4-mini", "gemini-2.5-flash", "gemini-3-flash-preview"]
COUNTS = st.integers(0, 400_000)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """Usages whose details are consistent, as extraction makes them: every part within what it is a part of."""
    total_in, total_out = draw(COUNTS), draw(COUNTS)

    def parts(whole: int, names: tuple[str, ...]) -> dict[str, int]:
        found: dict[str, int] = {}
        for name in names:
            found[name] = draw(st.integers(0, whole))
            whole -= found[name]
        return found

    sent = parts(total_in, MODALITIES)
    text = total_in - sum(sent.values())
    read_text, written = parts(text, ("read", "written")).values()
    read = {f"cache_read_{m}": draw(st.integers(0, sent[m])) for m in MODALITIES}
    sent |= read | {"cache_read": read_text + sum(read.values()), "cache_creation": written}
    return Usage(total_in, total_out, sent, parts(total_out, ("audio", "image", "video", "reasoning")))


def price(usage: Usage, provider: str = "openai", model: str = "gpt-5.2") -> Cost:
    return BOOK.price(usage, provider=provider, model=model, at_us=AT_US)


def dollars(usage: Usage, model: str) -> Decimal:
    provider = "google" if model.startswith("gemini") else "openai"
    usd = price(usage, provider, model).usd
    assert usd is not None
    return usd


@given(
    st.integers(),
    st.integers(),
    st.dictionaries(st.sampled_from(INPUT_DETAILS), st.integers()),
    st.dictionaries(st.sampled_from(OUTPUT_DETAILS), st.integers()),
)
def test_slices_are_never_negative_and_sum_to_the_total_whatever_the_details_claim(
    sent: int, made: int, sent_details: dict[str, int], made_details: dict[str, int]
) -> None:
    slices = split_usage(Usage(sent, made, sent_details, made_details))
    assert all(count > 0 for count in slices.values())
    assert sum(slices.values()) == max(sent, 0) + max(made, 0)
    assert slices.keys() <= RATES.keys()


@given(usages())
def test_consistent_details_are_taken_as_they_are(usage: Usage) -> None:
    slices = split_usage(usage)
    sent = usage.input_token_details
    assert sum(count for name, count in slices.items() if name.startswith("cache_read")) == sent["cache_read"]
    assert slices.get("cache_creation", 0) == sent["cache_creation"]
    for modality in MODALITIES:
        assert slices.get(f"cache_read_{modality}", 0) == sent[f"cache_read_{modality}"]
        assert slices.get(f"input_{modality}", 0) == sent[modality] - sent[f"cache_read_{modality}"]
        assert slices.get(f"output_{modality}", 0) == usage.output_token_details[modality]


@given(usages(), st.sampled_from(LISTED))
def test_the_lines_are_the_cost_and_an_unknown_cost_has_a_reason(usage: Usage, listed: tuple[str, str]) -> None:
    cost = price(usage, *listed)
    if cost.usd is None:
        assert cost.status == "unpriced"
        assert cost.reason
        assert cost.lines == ()
    else:
        assert sum((line.usd for line in cost.lines), Decimal(0)) == cost.usd == total_usd(cost.lines)
        assert sum(line.count for line in cost.lines) == usage.total_tokens
        assert cost.usd >= 0


@given(usages(), st.sampled_from(LISTED))
def test_the_price_library_agrees_wherever_our_guards_let_a_price_through(
    usage: Usage, listed: tuple[str, str]
) -> None:
    ours, theirs = both(usage, *listed)
    assert ours == theirs


def test_the_price_library_agrees_about_cached_text_on_nearly_every_model() -> None:
    compared = 0
    for provider, model in LISTED:
        ours, theirs = both(Usage(300_000, 500, {"cache_read": 90_000}, {"reasoning": 100}), provider, model)
        assert ours == theirs, model
        compared += ours is not None
    assert compared >= 130


def both(usage: Usage, provider: str, model: str) -> tuple[Decimal | None, Decimal | None]:
    """Our price and the library's own; two `None` where a guard or a policy of ours makes them incomparable."""
    cost, found = price(usage, provider, model), library.find(provider, model)
    if cost.usd is None or found is None or cost.source != library.SOURCE:
        return None, None
    prices = found.info.get_prices(AT)
    if not _same_policy(prices, split_usage(usage)):
        return None, None
    sent, made = usage.input_token_details, usage.output_token_details
    counts = {f"cache_{m}_read_tokens": sent.get(f"cache_read_{m}", 0) for m in MODALITIES}
    counts |= {f"input_{m}_tokens": sent.get(m, 0) for m in MODALITIES}
    counts |= {f"output_{m}_tokens": made.get(m, 0) for m in MODALITIES}
    counts |= {"cache_read_tokens": sent.get("cache_read", 0), "cache_write_tokens": sent.get("cache_creation", 0)}
    counts |= {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
    with localcontext(MONEY):
        theirs = prices.calc_price(engine.Usage(**counts, output_reasoning_tokens=made.get("reasoning", 0)))
    return cost.usd, theirs["total_price"]


def _same_policy(prices: engine.ModelPrice, slices: dict[str, int]) -> bool:
    """False where we inherit another rate than the library does: a cached modality pays its input rate first."""
    present = {key: value for key, value in prices.__dict__.items() if value is not None}
    for name in slices:
        modality = name.removeprefix("cache_read_")
        inherited = name.startswith("cache_read_") and f"cache_{modality}_read_mtok" not in present
        if inherited and f"input_{modality}_mtok" in present:
            return False
    return True


@given(usages(), st.sampled_from(FLAT), st.sampled_from(["input_tokens", "output_tokens"]), st.integers(1, 10_000))
def test_more_tokens_never_cost_less_where_there_is_no_step(usage: Usage, model: str, side: str, more: int) -> None:
    cached = {"cache_read": usage.input_token_details["cache_read"]}
    sides = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
    longer = sides | {side: sides[side] + more}
    plain = Usage(sides["input_tokens"], sides["output_tokens"], cached)
    longer_usage = Usage(longer["input_tokens"], longer["output_tokens"], cached)
    assert dollars(longer_usage, model) > dollars(plain, model)


@given(COUNTS, COUNTS, st.data(), st.sampled_from([*FLAT, "gpt-5.4", "gemini-2.5-pro"]))
def test_cached_tokens_never_cost_more_than_plain_ones(sent: int, made: int, data: st.DataObject, model: str) -> None:
    cached = data.draw(st.integers(0, sent))
    assert dollars(Usage(sent, made, {"cache_read": cached}), model) <= dollars(Usage(sent, made), model)


@given(COUNTS, COUNTS, st.data(), st.sampled_from(FLAT))
def test_reasoning_costs_what_text_costs(sent: int, made: int, data: st.DataObject, model: str) -> None:
    reasoning = data.draw(st.integers(0, made))
    assert dollars(Usage(sent, made, {}, {"reasoning": reasoning}), model) == dollars(Usage(sent, made), model)


@given(
    usages(),
    st.one_of(st.none(), st.text(max_size=30)),
    st.text(max_size=40),
    st.one_of(st.none(), st.text(max_size=12)),
    st.dictionaries(st.text(max_size=12), st.decimals(), max_size=3),
    st.integers(-(2**70), 2**70),
)
def test_nothing_unknown_is_ever_given_a_number_or_raises(
    usage: Usage, provider: str | None, model: str, tier: str | None, meters: dict[str, Decimal], at_us: int
) -> None:
    odd = Usage(
        usage.input_tokens,
        usage.output_tokens,
        usage.input_token_details,
        usage.output_token_details,
        meters,
        tier=tier,
    )
    cost = BOOK.price(odd, provider=provider, model=model + "-nobody", at_us=at_us)
    assert cost.usd is None
    assert cost.reason


@given(st.text(min_size=1, max_size=12).filter(lambda tier: tier.strip()), usages())
def test_a_tier_without_a_variant_in_force_is_unpriced(tier: str, usage: Usage) -> None:
    known = {"standard", "default", "auto", "flex", "priority", "fast", "batch"}
    if tier not in known:
        found = BOOK.price(Usage(1, 1, tier=tier), provider="openai", model="gpt-5.2", at_us=AT_US)
        assert found.reason == ("prepaid" if tier == "provisioned" else "tier_unpriced")


@given(st.text(min_size=1, max_size=12), st.decimals(min_value=0, allow_nan=False, allow_infinity=False))
def test_a_meter_without_a_price_makes_the_whole_cost_unknown_unless_it_is_zero(meter: str, amount: Decimal) -> None:
    priced = {"web_search", "grounding_query", "grounded_prompt", "file_search", "code_session", "web_search_preview"}
    if meter not in priced:
        cost = BOOK.price(Usage(1, 1, meters={meter: amount}), provider="openai", model="gpt-5.2", at_us=AT_US)
        assert (cost.usd is None) == (amount > 0)


def test_no_tokens_of_a_known_model_are_free_and_of_an_unknown_one_unknown() -> None:
    assert price(Usage()).usd == 0
    assert price(Usage(), model="gpt-99").usd is None


@pytest.mark.parametrize("name", sorted(RATES))
def test_a_rate_of_its_own_is_taken_before_any_other(name: str) -> None:
    prices = {key: Decimal(number) for number, key in enumerate(RATES[name])}
    assert slice_price(prices, name, google=False) == (RATES[name][0], Decimal(0))


def test_an_unknown_rate_stops_the_inheritance() -> None:
    assert first_price({"a": UNKNOWN, "b": Decimal(1)}, ("a", "b")) is None
    assert first_price({"b": Decimal(1)}, ("a", "b")) == ("b", Decimal(1))
