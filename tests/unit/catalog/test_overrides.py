"""Price files: what they may say, which of two wins, and that a wrong one is refused with its line."""

import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from everytoken.catalog import PriceBook, PriceFileError
from everytoken.core.charge import Cost
from everytoken.core.usage import Usage

HEAD = 'version = 1\ncurrency = "USD"\n'
TAIL = 'source = "contract 7"\nchecked = 2026-11-01\n'
ACME = HEAD + '[[price]]\nprovider = "acme"\nmodels = ["Big-One"]\nrates = { input_mtok = 1, output_mtok = 4 }\n' + TAIL
M = 1_000_000


def micros(day: str) -> int:
    return int(datetime.fromisoformat(f"{day}T00:00:00").replace(tzinfo=UTC).timestamp()) * 1_000_000


def book(tmp_path: Path, *texts: str, profiles: tuple[str, ...] = ()) -> PriceBook:
    files = [tmp_path / f"prices{number}.toml" for number in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text, encoding="utf-8")
    return PriceBook(files, profiles=profiles)


def cost(prices: PriceBook, usage: Usage, model: str, provider: str = "acme", day: str = "2026-11-22") -> Cost:
    return prices.price(usage, provider=provider, model=model, at_us=micros(day))


def usd(prices: PriceBook, usage: Usage, model: str, provider: str = "acme", day: str = "2026-11-22") -> str | None:
    found = cost(prices, usage, model, provider, day)
    return None if found.usd is None else f"{found.usd.normalize():f}"


def entry(body: str) -> str:
    return f"{HEAD}[[price]]\n{body}{TAIL}"


def test_a_model_of_its_own_gets_its_price_and_says_where_it_comes_from(tmp_path: Path) -> None:
    found = cost(book(tmp_path, ACME), Usage(1_000, 500), "big-one")
    assert found.usd == Decimal("0.003")  # 1,000 × 1/1M + 500 × 4/1M
    assert (found.entry, found.source) == ("acme/big-one", "override:prices0.toml")


def test_names_match_exactly_and_without_regard_to_case(tmp_path: Path) -> None:
    prices = book(tmp_path, ACME)
    assert usd(prices, Usage(M, 0), "BIG-ONE") == "1"
    assert cost(prices, Usage(M, 0), "big-one-2").reason == "provider_unknown"


def test_a_prefix_matches_what_begins_with_it(tmp_path: Path) -> None:
    prices = book(tmp_path, entry('provider = "acme"\nprefix = "Acme-"\nrates = { input_mtok = 3 }\n'))
    assert usd(prices, Usage(M, 0), "acme-7b") == "3"
    assert cost(prices, Usage(M, 0), "my-acme-7b").usd is None


def test_a_regex_must_match_the_whole_name(tmp_path: Path) -> None:
    prices = book(
        tmp_path, entry("provider = \"openai\"\nregex = 'ft:gpt-4o:acme:.+'\nrates = { input_mtok = 3.75 }\n")
    )
    assert usd(prices, Usage(M, 0), "ft:gpt-4o:acme:x1", "openai") == "3.75"
    assert cost(prices, Usage(M, 0), "my-ft:gpt-4o:acme:x1", "openai").reason == "model_unknown"


def test_the_last_file_and_the_last_entry_win(tmp_path: Path) -> None:
    again = ACME.replace("input_mtok = 1", "input_mtok = 2")
    by_prefix = '[[price]]\nprovider = "acme"\nprefix = "big"\nrates = { input_mtok = 9 }\n' + TAIL
    assert usd(book(tmp_path, ACME, again), Usage(M, 0), "big-one") == "2"
    assert usd(book(tmp_path, again, ACME), Usage(M, 0), "big-one") == "1"
    assert usd(book(tmp_path, ACME + by_prefix), Usage(M, 0), "big-one") == "9"


def test_an_override_replaces_the_library_with_all_its_rates_and_tiers(tmp_path: Path) -> None:
    prices = book(
        tmp_path,
        entry('provider = "openai"\nmodels = ["gpt-5.2"]\nrates = { input_mtok = 1, output_mtok = 10 }\n'),
    )
    assert usd(prices, Usage(M, 0, {"cache_read": M}), "gpt-5.2", "openai") == "1"  # no cached rate: the input's
    flex = prices.price(Usage(1, 1, tier="flex"), provider="openai", model="gpt-5.2", at_us=micros("2026-11-22"))
    assert flex.reason == "tier_unpriced"


def test_a_patch_changes_some_rates_and_keeps_the_rest(tmp_path: Path) -> None:
    prices = book(
        tmp_path, entry('provider = "openai"\nmodels = ["gpt-5.2"]\nmode = "patch"\nrates = { input_mtok = 1 }\n')
    )
    found = cost(prices, Usage(M, M, {"cache_read": 400_000}), "gpt-5.2", "openai")
    assert found.usd == Decimal("14.67")  # 0.6M × 1 + 0.4M × 0.175 + 1M × 14
    assert (found.entry, found.source) == ("openai/gpt-5.2", "override:prices0.toml + genai-prices 0.2.3")


def test_a_discount_multiplies_every_rate_in_every_tier_exactly(tmp_path: Path) -> None:
    prices = book(tmp_path, entry('provider = "openai"\nmodels = ["gpt-5.2"]\nmode = "patch"\nmultiply = 0.85\n'))
    assert usd(prices, Usage(47, 12), "gpt-5.2", "openai") == "0.0002127125"  # 0.00025025 × 0.85
    flex = prices.price(Usage(M, 0, tier="flex"), provider="openai", model="gpt-5.2", at_us=micros("2026-11-22"))
    assert flex.usd == Decimal("0.74375")  # 0.875 × 0.85
    assert flex.source == "override:prices0.toml"


def test_a_patch_of_the_base_rate_keeps_the_long_context_step(tmp_path: Path) -> None:
    prices = book(
        tmp_path, entry('provider = "openai"\nmodels = ["gpt-5.4"]\nmode = "patch"\nrates = { input_mtok = 2 }\n')
    )
    assert usd(prices, Usage(272_000, 0), "gpt-5.4", "openai") == "0.544"  # × 2
    assert usd(prices, Usage(272_001, 0), "gpt-5.4", "openai") == "1.360005"  # × 5, the list's


def test_a_patch_of_a_model_nobody_prices_does_not_make_it_known(tmp_path: Path) -> None:
    prices = book(
        tmp_path, entry('provider = "openai"\nmodels = ["gpt-99"]\nmode = "patch"\nrates = { input_mtok = 2 }\n')
    )
    assert cost(prices, Usage(1, 1), "gpt-99", "openai").reason == "model_unknown"


def test_a_patch_lies_over_an_earlier_replacement(tmp_path: Path) -> None:
    discount = '[[price]]\nprovider = "acme"\nmodels = ["big-one"]\nmode = "patch"\nmultiply = 0.5\n' + TAIL
    assert usd(book(tmp_path, ACME + discount), Usage(M, M), "big-one") == "2.5"  # (1 + 4) / 2


def test_an_entry_is_valid_from_its_first_day_until_the_day_it_ends(tmp_path: Path) -> None:
    prices = book(
        tmp_path,
        entry(
            'provider = "acme"\nmodels = ["m"]\nrates = { input_mtok = 1 }\n'
            "valid_from = 2026-11-01\nvalid_until = 2026-11-15\n"
        )
        + '[[price]]\nprovider = "acme"\nmodels = ["m"]\nrates = { input_mtok = 2 }\nvalid_from = 2026-11-15\n'
        + "valid_until = 2026-12-01\n"
        + TAIL,
    )
    assert cost(prices, Usage(M, 0), "m", day="2026-10-31").reason == "before_first_price"
    assert usd(prices, Usage(M, 0), "m", day="2026-11-01") == "1"
    assert usd(prices, Usage(M, 0), "m", day="2026-11-14") == "1"
    assert usd(prices, Usage(M, 0), "m", day="2026-11-15") == "2"
    assert cost(prices, Usage(M, 0), "m", day="2026-12-01").reason == "after_last_price"


def test_outside_its_days_an_override_leaves_the_list_price(tmp_path: Path) -> None:
    prices = book(
        tmp_path,
        entry('provider = "openai"\nmodels = ["gpt-5.2"]\nrates = { input_mtok = 9 }\nvalid_until = 2026-11-01\n'),
    )
    assert usd(prices, Usage(M, 0), "gpt-5.2", "openai", "2026-10-31") == "9"
    assert usd(prices, Usage(M, 0), "gpt-5.2", "openai", "2026-11-01") == "1.75"


def test_long_context_begins_one_token_above_and_is_for_the_whole_request(tmp_path: Path) -> None:
    prices = book(
        tmp_path,
        entry(
            'provider = "acme"\nmodels = ["m"]\nrates = { input_mtok = 8, cache_read_mtok = 0.40, output_mtok = 40 }\n'
            "long_context = { over = 272000, input_mtok = 16, cache_read_mtok = 0.80, output_mtok = 60 }\n"
        ),
    )
    assert usd(prices, Usage(272_000, 1_000, {"cache_read": 72_000}), "m") == "1.6688"  # 1.6 + 0.0288 + 0.04
    assert usd(prices, Usage(272_001, 1_000, {"cache_read": 72_000}), "m") == "3.317616"  # 3.200016 + 0.0576 + 0.06


def test_tiers_and_batch_have_their_own_rates_and_steps(tmp_path: Path) -> None:
    prices = book(
        tmp_path,
        entry(
            'provider = "acme"\nmodels = ["m"]\nrates = { input_mtok = 8, output_mtok = 40 }\n'
            "tier.flex = { input_mtok = 4, long_context = { over = 1000, input_mtok = 6 } }\n"
            "batch = { input_mtok = 3, output_mtok = 20 }\n"
        ),
    )
    at = micros("2026-11-22")
    assert prices.price(Usage(1_000, 1_000, tier="flex"), provider="acme", model="m", at_us=at).usd == Decimal("0.044")
    assert prices.price(Usage(1_001, 0, tier="flex"), provider="acme", model="m", at_us=at).usd == Decimal("0.006006")
    assert prices.price(Usage(M, M, tier="batch"), provider="acme", model="m", at_us=at).usd == Decimal(23)
    assert prices.price(Usage(1, 1, tier="priority"), provider="acme", model="m", at_us=at).reason == "tier_unpriced"


def test_a_patch_can_give_a_listed_model_a_tier(tmp_path: Path) -> None:
    prices = book(
        tmp_path,
        entry(
            'provider = "google"\nmodels = ["gemini-2.5-flash"]\nmode = "patch"\n'
            "tier.flex = { input_mtok = 0.15, output_mtok = 1.25 }\n"
        ),
    )
    found = prices.price(
        Usage(M, M, tier="flex"), provider="google", model="gemini-2.5-flash", at_us=micros("2026-11-22")
    )
    assert found.usd == Decimal("1.40")


def test_meters_without_a_unit_in_the_library_are_priced_by_the_piece(tmp_path: Path) -> None:
    prices = book(tmp_path, entry('provider = "acme"\nmodels = ["film"]\nper_unit = { video_seconds = 0.10 }\n'))
    assert usd(prices, Usage(0, 0, meters={"video_seconds": Decimal("8.5")}), "film") == "0.85"


def test_writes_that_live_twelve_hours_are_priced_by_an_override_alone(tmp_path: Path) -> None:
    usage = Usage(M, 0, {"cache_creation": M, "cache_creation_12h": M})
    assert cost(PriceBook(), usage, "gpt-6.1-sol", "openai").reason == "class_unpriced"
    prices = book(
        tmp_path,
        entry('provider = "openai"\nmodels = ["gpt-6.1-sol"]\nmode = "patch"\nrates = { cache_write_12h_mtok = 5 }\n'),
    )
    assert usd(prices, Usage(200_000, 0, {"cache_creation": 200_000, "cache_creation_12h": 200_000}), "gpt-6.1-sol",
               "openai") == "1"  # fmt: skip


def test_a_price_nobody_has_published_is_not_inherited(tmp_path: Path) -> None:
    prices = book(
        tmp_path,
        entry('provider = "acme"\nmodels = ["m"]\nrates = { input_mtok = 2 }\nunknown = ["cache_read_mtok"]\n'),
    )
    assert usd(prices, Usage(M, 0), "m") == "2"
    assert cost(prices, Usage(M, 0, {"cache_read": 1}), "m").reason == "class_unpriced"


def test_a_request_longer_than_the_prices_are_known_for_is_unpriced(tmp_path: Path) -> None:
    prices = book(
        tmp_path, entry('provider = "acme"\nmodels = ["m"]\nrates = { input_mtok = 2 }\nmax_input_tokens = 1000\n')
    )
    assert usd(prices, Usage(1_000, 0), "m") == "0.002"
    assert cost(prices, Usage(1_001, 0), "m").reason == "long_context_unpriced"


def test_the_seed_profile_prices_images_by_the_piece_and_only_when_asked_for(tmp_path: Path) -> None:
    usage = Usage(10, 1_120, {}, {"image": 1_120}, {"image_2k": Decimal(1)})
    seed = PriceBook(profiles=["seed"])
    assert usd(seed, usage, "gemini-3-pro-image-preview", "google") == "0.08002"  # 0.08 + 10 × 2/1M
    assert usd(PriceBook(), usage, "gemini-3-pro-image-preview", "google") == "0.13442"  # 1,120 × 120/1M + the same


def test_images_priced_by_the_piece_cannot_be_free_when_nobody_counted_them() -> None:
    usage = Usage(10, 1_120, {}, {"image": 1_120})
    found = cost(PriceBook(profiles=["seed"]), usage, "gemini-3-pro-image-preview", "google")
    assert (found.usd, found.reason) == (None, "meter_missing")


def test_a_profile_of_a_file_is_left_out_unless_asked_for(tmp_path: Path) -> None:
    text = entry('profile = "test"\nprovider = "acme"\nmodels = ["m"]\nrates = { input_mtok = 2 }\n')
    assert cost(book(tmp_path, text), Usage(1, 0), "m").usd is None
    assert usd(book(tmp_path, text, profiles=("test",)), Usage(M, 0), "m") == "2"


def test_a_wrong_file_is_refused_and_the_prices_of_before_stay(tmp_path: Path) -> None:
    prices = book(tmp_path, ACME)
    file = tmp_path / "prices0.toml"
    file.write_text(ACME.replace("input_mtok = 1", "input_mtok = -1"), encoding="utf-8")
    os.utime(file, ns=(1, 1))
    assert prices.is_stale()
    with pytest.raises(PriceFileError):
        prices.reload()
    assert usd(prices, Usage(M, 0), "big-one") == "1"
    file.write_text(ACME.replace("input_mtok = 1", "input_mtok = 7"), encoding="utf-8")
    prices.reload()
    assert usd(prices, Usage(M, 0), "big-one") == "7"
    assert not prices.is_stale()


def test_a_wrong_file_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(PriceFileError):
        book(tmp_path, "version = 2\n")


def test_the_built_in_file_names_a_source_and_a_day_for_every_entry() -> None:
    own = [model for model in PriceBook().models() if model.source.startswith("built-in:")]
    assert {model.model for model in own} >= {"gpt-6.2-astra", "gpt-6.2-sol", "sora-2"}
    assert all(model.checked is not None for model in own)
