"""Which price pays for which slice: the inheritance of rates, and the meters, as data."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TypeVar

PER_UNIT = "per_unit."
"""Prefix of our own price keys: US dollars for one unit of a meter that the price library has no unit for."""

UNKNOWN = Decimal("NaN")
"""Stands where a price exists that nobody has published: what needs it is unpriced and inherits nothing."""

RATES: dict[str, tuple[str, ...]] = {
    "input": ("input_text_mtok", "input_mtok"),
    "input_audio": ("input_audio_mtok",),
    "input_image": ("input_image_mtok", "input_mtok"),
    "input_video": ("input_video_mtok", "input_mtok"),
    "cache_read": ("cache_text_read_mtok", "cache_read_mtok", "input_text_mtok", "input_mtok"),
    "cache_read_audio": ("cache_audio_read_mtok", "input_audio_mtok"),
    "cache_read_image": ("cache_image_read_mtok", "input_image_mtok", "cache_read_mtok", "input_mtok"),
    "cache_read_video": ("cache_video_read_mtok", "input_video_mtok", "cache_read_mtok", "input_mtok"),
    "cache_creation": ("cache_text_write_mtok", "cache_write_mtok", "input_text_mtok", "input_mtok"),
    "cache_creation_12h": ("cache_write_12h_mtok",),
    "output": ("output_text_mtok", "output_mtok"),
    "reasoning": ("output_text_reasoning_mtok", "output_reasoning_mtok", "output_text_mtok", "output_mtok"),
    "output_audio": ("output_audio_mtok",),
    "output_image": ("output_image_mtok", "output_mtok"),
    "output_video": ("output_video_mtok", "output_mtok"),
}
"""Price keys that may pay for a slice, the nearest first. Audio stands alone: at OpenAI it costs up to 20 times the
text rate, so a missing audio rate is unknown. Writes that live 12 hours have no rate two sources agree on."""

GOOGLE_AUDIO: dict[str, tuple[str, ...]] = {
    "input_audio": ("input_mtok",),
    "cache_read_audio": ("cache_read_mtok", "input_mtok"),
    "output_audio": ("output_mtok",),
}
"""Google alone: newer Gemini models have one rate for all input, and its speech models file audio under output."""

METERS: dict[str, tuple[str, ...]] = {
    "web_search": ("web_searches_kcount",),
    "grounding_query": ("web_searches_kcount",),
    "grounded_prompt": ("web_searches_kcount",),
    "file_search": ("storage_searches_kcount",),
    "audio_seconds": ("input_audio_hours", "audio_hours"),
    "characters": ("input_mchars",),
}
"""Price keys that may pay for a meter, after its own `per_unit` price."""

MEASURES: dict[str, tuple[str, ...]] = {
    "images": ("output_image",),
    "video_seconds": ("output_video",),
    "audio_seconds": ("input_audio", "output_audio"),
    "characters": ("output_audio",),
}
"""Meters that measure what may also have been counted in tokens → the slices that then pay for it: never both."""

IMAGE_SLICES = MEASURES["images"]

Price = TypeVar("Price")


def measured_by(meter: str) -> tuple[str, ...]:
    """The slices that count in tokens what a meter counts by the piece; images have a meter for every size."""
    return IMAGE_SLICES if meter.startswith("image_") else MEASURES.get(meter, ())


def first_price(prices: Mapping[str, Price], keys: Iterable[str]) -> tuple[str, Price] | None:
    """The first of `keys` that has a price, with it; `None` when there is none or it is unknown."""
    for key in keys:
        price = prices.get(key)
        if price is not None:
            return None if price is UNKNOWN else (key, price)
    return None


def slice_price(prices: Mapping[str, Price], token_class: str, *, google: bool) -> tuple[str, Price] | None:
    """The price of one slice; `None` when it is unknown."""
    found = first_price(prices, RATES[token_class])
    if found is None and google:
        return first_price(prices, GOOGLE_AUDIO.get(token_class, ()))
    return found


def meter_price(prices: Mapping[str, Price], meter: str) -> tuple[str, Price] | None:
    """The price of one meter; `None` when it is unknown."""
    return first_price(prices, (PER_UNIT + meter, *METERS.get(meter, ())))
