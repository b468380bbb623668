"""Price files: TOML in, overrides out. A file with one wrong line is refused, with every wrong line named."""

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from everytoken.catalog.errors import PriceFileError, PriceProblem
from everytoken.catalog.library import Window, is_price_key
from everytoken.catalog.names import canonical_model, canonical_provider
from everytoken.catalog.override import Override, Rates
from everytoken.catalog.rates import IMAGE_SLICES, PER_UNIT, measured_by
from everytoken.catalog.toml_lines import Lines

MAX_FILE_BYTES = 4 * 1024**2
"""A price file this size holds 20,000 models; a larger one is not a price file."""
MAX_PLACES = 12
"""Decimal places of a price: one more and a token's cost no longer fits the 18 places money is kept with."""

_TOP = {"version", "currency", "price"}
_ENTRY = {
    "provider", "models", "prefix", "regex", "valid_from", "valid_until", "rates", "long_context", "tier", "batch",
    "per_unit", "mode", "multiply", "profile", "image_tokens", "unknown", "max_input_tokens", "source", "checked",
}  # fmt: skip
_PRICING = {"rates", "long_context", "tier", "batch", "per_unit", "multiply", "unknown", "max_input_tokens"}
_SYNTAX_LINE = re.compile(r" \(at line (\d+), column \d+\)| \(at end of document\)")


def read_price_file(path: Path, *, built_in: bool = False) -> tuple[Override, ...]:
    """The overrides of a file, first entry first.

    Raises:
        PriceFileError: the file cannot be read, or any line of it is wrong.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
        if len(data) > MAX_FILE_BYTES:
            raise PriceFileError([PriceProblem(str(path), 1, "the file is larger than 4 MiB", "split it")])
        text = data.decode("utf-8")
    except OSError as error:
        what = f"the file cannot be read ({error.strerror or error})"
        raise PriceFileError([PriceProblem(str(path), 1, what, "check the path and its permissions")]) from error
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise PriceFileError([PriceProblem(str(path), line, "not UTF-8 text", "save the file as UTF-8")]) from error
    return parse_prices(text, str(path), label=f"{'built-in' if built_in else 'override'}:{path.name}")


def parse_prices(text: str, file: str, *, label: str) -> tuple[Override, ...]:
    """The overrides in a TOML text; `file` is named in errors, `label` in costs.

    Raises:
        PriceFileError: any line is wrong.
    """
    try:
        document = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise PriceFileError([_syntax_problem(error, text, file)]) from error
    reader = _Reader(Lines(text), file, label)
    overrides = reader.read(document)
    if reader.problems:
        raise PriceFileError(sorted(reader.problems, key=lambda problem: problem.line))
    return overrides


def _syntax_problem(error: tomllib.TOMLDecodeError, text: str, file: str) -> PriceProblem:
    message = str(error)
    found = _SYNTAX_LINE.search(message)
    line = int(found[1]) if found and found[1] else max(len(text.splitlines()), 1)
    return PriceProblem(file, line, f"not TOML: {_SYNTAX_LINE.sub('', message)}", "correct the syntax of this line")


class _Reader:
    def __init__(self, lines: Lines, file: str, label: str) -> None:
        self.problems: list[PriceProblem] = []
        self._lines = lines
        self._file = file
        self._label = label
        self._index = 0

    def read(self, document: Mapping[str, Any]) -> tuple[Override, ...]:
        for key in document.keys() - _TOP:
            self._top(key, f"unknown key `{key}`", _nearest(key, _TOP))
        if document.get("version") != 1:
            self._top("version", "the version of the format is missing or not 1", "write `version = 1` at the top")
        if document.get("currency", "USD") != "USD":
            self._top("currency", f"currency {document['currency']!r} is not known", "give every price in USD")
        entries = document.get("price", [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            self._top("price", "`price` is not a list of tables", "start every entry with `[[price]]`")
            return ()
        overrides: list[Override] = []
        for index, entry in enumerate(entries):
            self._index = index
            override = self._entry(entry)
            if override is not None:
                self._refuse_overlap(override, overrides)
                overrides.append(override)
        return tuple(overrides)

    def _entry(self, entry: Mapping[str, Any]) -> Override | None:
        before = len(self.problems)
        for key in entry.keys() - _ENTRY:
            self._wrong((key,), f"unknown key `{key}`", _nearest(key, _ENTRY))
        provider = canonical_provider(self._text(entry, "provider"))
        mode = entry.get("mode", "replace")
        if mode not in ("replace", "patch"):
            self._wrong(("mode",), f"mode {mode!r} is not known", 'write "replace" or "patch"')
        if not _PRICING & entry.keys():
            self._wrong((), "the entry prices nothing", 'add `rates`, `per_unit`, or `multiply` with `mode = "patch"`')
        fields = {
            **self._matcher(entry, provider),
            "window": self._window(entry),
            "rates": self._standard(entry, mode),
            "tiers": dict(self._tiers(entry, mode)),
            "multiply": self._multiply(entry, mode),
            "unknown": self._unknown(entry),
            "max_input_tokens": self._count(entry, "max_input_tokens"),
            "ignores_image_tokens": self._image_tokens(entry),
            "profile": self._text(entry, "profile") if "profile" in entry else None,
            "source": self._text(entry, "source"),
            "checked": self._date(entry, "checked", required=True),
        }
        if len(self.problems) > before:
            return None
        return Override(provider=provider, mode=mode, file=self._label, **fields)  # type: ignore[arg-type]

    def _matcher(self, entry: Mapping[str, Any], provider: str | None) -> dict[str, Any]:
        given = [key for key in ("models", "prefix", "regex") if key in entry]
        if len(given) != 1:
            what = "says twice which models it is for" if given else "does not say which models it is for"
            self._wrong(tuple(given[1:2]), f"the entry {what}", "give exactly one of `models`, `prefix` and `regex`")
            return {}
        key, value = given[0], entry[given[0]]
        if key == "models":
            if not isinstance(value, list) or not value or not all(isinstance(name, str) and name for name in value):
                self._wrong(("models",), "`models` is not a list of names", 'write `models = ["name"]`')
                return {}
            return {"models": frozenset(canonical_model(provider, name)[1] for name in value)}
        text = self._text(entry, key)
        if text is None or key == "prefix":
            return {"prefix": (text or "").lower()}
        try:
            return {"regex": re.compile(text, re.IGNORECASE)}
        except re.error as error:
            self._wrong(("regex",), f"not a regular expression: {error}", "correct the expression")
            return {}

    def _window(self, entry: Mapping[str, Any]) -> Window:
        window = Window(self._date(entry, "valid_from"), self._date(entry, "valid_until"))
        if window.start and window.end and window.end <= window.start:
            self._wrong(("valid_until",), "`valid_until` is not after `valid_from`", "name the first day it ends")
        return window

    def _standard(self, entry: Mapping[str, Any], mode: str) -> Rates:
        rates = self._rates(entry, ("rates",))
        rates |= {PER_UNIT + meter: price for meter, price in self._per_unit(entry).items()}
        return self._stepped(rates, entry, (), required=mode == "replace")

    def _stepped(self, rates: dict[str, Decimal], holder: Any, path: tuple[str, ...], *, required: bool) -> Rates:
        """`rates` with the `long_context` table of `holder`."""
        table = holder.get("long_context")
        if table is None:
            return Rates(rates)
        path = (*path, "long_context")
        over = table.get("over") if isinstance(table, dict) else None
        if type(over) is not int or over <= 0:
            self._wrong((*path, "over"), "`long_context` has no `over`", "write `over = 272000`, a count of tokens")
            return Rates(rates)
        long = self._prices({key: price for key, price in table.items() if key != "over"}, path)
        for key in long.keys() - rates.keys() if required else ():
            self._wrong((*path, key), f"`{key}` has no base rate", f"add `{key}` to the rates it steps up from")
        return Rates(rates, over, long)

    def _tiers(self, entry: Mapping[str, Any], mode: str) -> Iterator[tuple[str, Rates]]:
        tables: dict[str, tuple[tuple[str, ...], Any]] = {}
        if "batch" in entry:
            tables["batch"] = (("batch",), entry["batch"])
        named = entry.get("tier", {})
        if not isinstance(named, dict):
            self._wrong(("tier",), "`tier` is not a table", "write `tier.flex = { input_mtok = 1 }`")
            named = {}
        for name, table in named.items():
            if name in tables:
                self._wrong(("tier", name), "the batch tier is given twice", "keep `batch` or `tier.batch`")
            tables[name] = (("tier", name), table)
        for name, (path, table) in tables.items():
            if not isinstance(table, dict) or not table:
                self._wrong(path, f"tier `{name}` has no rates", "give it a table of rates")
                continue
            rates = self._prices({key: price for key, price in table.items() if key != "long_context"}, path)
            base = entry.get("rates", {})
            for key in rates.keys() - base.keys() if mode == "replace" and isinstance(base, dict) else ():
                self._wrong((*path, key), f"tier `{name}` has no base rate for `{key}`", f"add `{key}` to `rates`")
            yield name, self._stepped(rates, table, path, required=True)

    def _multiply(self, entry: Mapping[str, Any], mode: str) -> Decimal | None:
        if "multiply" not in entry:
            return None
        if mode != "patch":
            self._wrong(("multiply",), "`multiply` has nothing to multiply", 'add `mode = "patch"`')
        return self._price(entry["multiply"], ("multiply",))

    def _image_tokens(self, entry: Mapping[str, Any]) -> bool:
        if "image_tokens" not in entry:
            return False
        if entry["image_tokens"] != "ignore":
            self._wrong(("image_tokens",), "`image_tokens` is not known", 'write "ignore" or leave it out')
        per_unit = entry.get("per_unit")
        by_piece = isinstance(per_unit, dict) and any(measured_by(meter) == IMAGE_SLICES for meter in per_unit)
        if not by_piece:
            self._wrong(("image_tokens",), "without a price per image, images would be free", "add it to `per_unit`")
        return True

    def _unknown(self, entry: Mapping[str, Any]) -> frozenset[str]:
        keys = entry.get("unknown", [])
        if not isinstance(keys, list) or not all(isinstance(key, str) and is_price_key(key) for key in keys):
            self._wrong(("unknown",), "`unknown` is not a list of price keys", 'write `unknown = ["cache_read_mtok"]`')
            return frozenset()
        return frozenset(keys)

    def _rates(self, entry: Mapping[str, Any], path: tuple[str, ...]) -> dict[str, Decimal]:
        return self._prices(entry.get(path[-1], {}), path)

    def _prices(self, table: Any, path: tuple[str, ...]) -> dict[str, Decimal]:
        if not isinstance(table, dict):
            self._wrong(path, f"`{path[-1]}` is not a table", f"write `{path[-1]} = {{ input_mtok = 1 }}`")
            return {}
        prices: dict[str, Decimal] = {}
        for key, value in table.items():
            if not is_price_key(key):
                self._wrong(
                    (*path, key), f"unknown price key `{key}`", "use a key such as `input_mtok` or `output_mtok`"
                )
                continue
            price = self._price(value, (*path, key))
            if price is not None:
                prices[key] = price
        return prices

    def _per_unit(self, entry: Mapping[str, Any]) -> dict[str, Decimal]:
        table = entry.get("per_unit", {})
        if not isinstance(table, dict):
            self._wrong(("per_unit",), "`per_unit` is not a table", "write `per_unit = { video_seconds = 0.1 }`")
            return {}
        prices = {meter: self._price(value, ("per_unit", meter)) for meter, value in table.items()}
        return {meter: price for meter, price in prices.items() if price is not None}

    def _price(self, value: Any, path: tuple[str, ...]) -> Decimal | None:
        name = path[-1]
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            self._wrong(path, f"`{name}` is not a number ({value!r})", "write a decimal number without quotes")
            return None
        price = Decimal(value)
        if not price.is_finite():
            self._wrong(path, f"`{name}` is not a finite number ({value})", "write the price in US dollars")
            return None
        if price < 0:
            self._wrong(path, f"`{name}` is negative ({value})", "write 0 or more")
            return None
        places = price.normalize().as_tuple().exponent
        if isinstance(places, int) and -places > MAX_PLACES:
            self._wrong(
                path, f"`{name}` has more than {MAX_PLACES} decimal places", "round it as the provider bills it"
            )
            return None
        return price

    def _count(self, entry: Mapping[str, Any], key: str) -> int | None:
        value = entry.get(key)
        if value is not None and (type(value) is not int or value <= 0):
            self._wrong((key,), f"`{key}` is not a count of tokens", f"write `{key} = 272000`")
            return None
        return value

    def _text(self, entry: Mapping[str, Any], key: str) -> str | None:
        value = entry.get(key)
        if isinstance(value, str) and value.strip():
            return value
        what = f"`{key}` is missing" if value is None else f"`{key}` is not a text"
        self._wrong((key,), what, f'add `{key} = "..."`')
        return None

    def _date(self, entry: Mapping[str, Any], key: str, *, required: bool = False) -> date | None:
        value = entry.get(key)
        if value is None and not required:
            return None
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
        what = f"`{key}` is missing" if value is None else f"`{key}` is not a date"
        self._wrong((key,), what, f"write a day without quotes, `{key} = 2026-11-17`")
        return None

    def _refuse_overlap(self, override: Override, earlier: list[Override]) -> None:
        if any(override.overlaps(other) for other in earlier):
            self._wrong(
                ("valid_from",),
                f"two entries price {override.matcher} on the same day",
                "end the earlier one with `valid_until` on the day this one starts with `valid_from`",
            )

    def _wrong(self, path: tuple[str, ...], what: str, cure: str) -> None:
        self.problems.append(PriceProblem(self._file, self._lines.entry(self._index, *path), what, cure))

    def _top(self, key: str, what: str, cure: str) -> None:
        self.problems.append(PriceProblem(self._file, self._lines.top(key), what, cure))


def _nearest(key: str, known: set[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    return f"did you mean `{close[0]}`?" if close else f"known keys are {', '.join(sorted(known))}"
