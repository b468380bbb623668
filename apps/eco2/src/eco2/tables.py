"""Knowledge in files: disposal rules, characters, fees and prices. Plain look-ups, nothing that calls out."""

import re
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

GRADES = ((0.9, "excellent"), (0.7, "good"), (0.4, "partial"), (0.2, "poor"), (0.0, "none"))
_WORD = re.compile(r"[가-힣A-Za-z0-9]+")
_ENDINGS = re.compile(r"(?:으로|에서|에게|은|는|이|가|을|를|에|의|도|만|로|와|과|랑)$")
_QUESTION_WORDS = frozenset({
    "어떻게", "버리", "어디", "어디에", "무엇", "언제", "버려", "버려요", "버리나요", "버리는", "방법",
    "알려줘", "알려", "해요", "하나요", "되나요", "분리수거", "분리배출", "그리고",
})  # fmt: skip


def load(name: str) -> dict[str, Any]:
    """A data file of this package."""
    return tomllib.loads((files("eco2") / "data" / f"{name}.toml").read_text(encoding="utf-8"))


class Disposal:
    """How to put out 26 kinds of things. The rules are general; municipalities differ, and every answer says so."""

    def __init__(self) -> None:
        table = load("disposal")
        self.items: list[dict[str, Any]] = [
            {**item, "sources": [table["sources"][name] for name in item["sources"]]} for item in table["items"]
        ]

    def find(self, query: str, classification: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        """The item that the message or the picture is about, with the steps that its situation calls for."""
        seen = classification or {}
        shown = [seen.get("minor_category", ""), seen.get("middle_category", "")]
        named = next((hit for text in (*shown, query) if (hit := self._by_alias(text))), None)
        item = named or self._by_keyword(query)
        if item is None:
            return None
        situation = " ".join((query, *seen.get("situation_tags", [])))
        matching = [note for word, note in item["situations"].items() if word in situation]
        return {
            **{key: value for key, value in item.items() if key != "situations"},
            "for_this_situation": matching,
            "named": named is not None,
        }

    def _by_alias(self, text: str) -> dict[str, Any] | None:
        """The item with the longest name that stands in the text: 투명 페트병 before 페트병."""
        hits = [
            (len(alias), -index, item)
            for index, item in enumerate(self.items)
            for alias in item["names"]
            if _names(text, alias)
        ]
        return max(hits, key=lambda hit: hit[:2])[2] if hits else None

    def _by_keyword(self, text: str) -> dict[str, Any] | None:
        words = content_words(text)
        scored = [
            (sum(word in _text_of(item) for word in words), -index, item) for index, item in enumerate(self.items)
        ]
        best = max(scored, key=lambda hit: hit[:2])
        return best[2] if best[0] else None

    def score(self, query: str, found: Mapping[str, Any] | None) -> float:
        """How far the found rule answers the question, 0 to 1.

        0.3 for a rule at all, 0.2 if it was found by the name of the thing, 0.2 for its steps, and up to 0.3 for the
        share of the question's words that it contains.
        """
        if not found:
            return 0.1
        words = content_words(query)
        text = _text_of(found)
        share = sum(word in text for word in words) / len(words) if words else 0.0
        return 0.3 + (0.2 if found["named"] else 0.0) + (0.2 if found["steps"] else 0.0) + 0.3 * share

    @staticmethod
    def grade(score: float) -> str:
        return next(name for least, name in GRADES if score >= least)


def _names(text: str, alias: str) -> bool:
    """Whether the text names the thing. One syllable must be a word of its own: 책 is not in 정책."""
    if len(alias) > 1:
        return alias.replace(" ", "") in text.replace(" ", "")
    return re.search(rf"(?<![가-힣]){alias}(?:은|는|이|가|을|를|도|만|의|하고|이랑|이나)?(?![가-힣])", text) is not None


def content_words(text: str) -> list[str]:
    """The words of a question that carry meaning, without their particles."""
    words = (_ENDINGS.sub("", word) if len(word) > 2 else word for word in _WORD.findall(text))
    return [word for word in dict.fromkeys(words) if len(word) > 1 and word not in _QUESTION_WORDS]


def _text_of(item: Mapping[str, Any]) -> str:
    return " ".join((*item["names"], item["category"], *item["steps"], *item.get("do_not", []), item.get("where", "")))


class Characters:
    """The characters of Eco², one for each material."""

    def __init__(self) -> None:
        self._characters = load("characters")["characters"]

    @property
    def labels(self) -> list[str]:
        return [character["label"] for character in self._characters]

    def named_in(self, message: str) -> str | None:
        """The label of the character whose own name is in the message. Materials don't count: 캔 is also just a can."""
        return next((c["label"] for c in self._characters if c["name"] in message), None)

    def find(self, label: str) -> dict[str, Any] | None:
        wanted = label.strip().strip(".\"'")
        return next((dict(c) for c in self._characters if wanted in (c["label"], c["name"])), None)


class Fees:
    """What districts charge for large waste. Sample data: fees differ by district."""

    def __init__(self) -> None:
        self._table = load("bulk_fees")

    def find(self, item: str) -> dict[str, Any]:
        """Every size of the thing, with the mark that these are samples."""
        squeezed = item.replace(" ", "")
        fees = [fee for fee in self._table["fees"] if any(name in squeezed for name in fee["names"])]
        return {"fees": fees, "sample": True, "note": self._table["note"]}


class ScrapPrices:
    """What scrap dealers pay, won a kilogram, by region. Sample data."""

    def __init__(self) -> None:
        self._table = load("scrap_prices")

    def find(self, material: str, detail: str | None, region: str | None) -> dict[str, Any]:
        """Prices of a material; of one sort and one region where those are known."""
        prices = [price for price in self._table["prices"] if price["material"] == material]
        named = [price for price in prices if detail and (detail in price["name"] or price["name"] in detail)]
        found = named or prices
        if region:
            known = next((name for name in self._table["regions"] if name in region or region in name), None)
            found = [{**p, "won_per_kg": {known: p["won_per_kg"][known]}} for p in found] if known else found
        return {"prices": found, "as_of": self._table["as_of"], "sample": True, "note": self._table["note"]}
