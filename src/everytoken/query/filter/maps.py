"""Conditions on the entries of a JSON object: of metadata, inputs and outputs. Keys and values are bound."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from everytoken.query.filter.errors import FilterError
from everytoken.query.filter.tree import SIGNS, Compare
from everytoken.query.filter.values import as_text, items_of, object_of, pattern_of, plain_of, text_of

MAX_KEY_STEPS = 20
"""Objects inside of objects; deeper than any program writes."""


@dataclass(frozen=True, slots=True)
class Entries:
    """The entries of one column."""

    column: str
    bind: Callable[[Any, str], str]
    """A placeholder for a value of a type."""

    def key(self, compare: Compare) -> str:
        """Whether there is a key like this."""
        if compare.operator == "in":
            keys = [as_text(item, compare.value) for item in items_of(compare.value)]
            return f"({' OR '.join(self.has_key(key) for key in keys)})" if keys else "0"
        key = text_of(compare.value, "a key")
        if compare.operator == "like":
            return f"arrayExists(held -> held ILIKE {self.bind(pattern_of(key), 'String')}, mapKeys({self._all}))"
        if compare.operator in ("eq", "neq"):
            return f"{'NOT ' if compare.operator == 'neq' else ''}{self.has_key(key)}"
        raise FilterError(f"{compare.operator} has no meaning for a key", compare.position, "use eq, neq, in or like")

    def has_key(self, key: str) -> str:
        nested = self._nested(key)
        found = self._holds(self.bind(key, "String"))
        return f"({found} OR {self._holds(nested)})" if nested else found

    def at(self, key: str) -> str:
        """The value under a key as text: a string as it is, anything else as its JSON, '' where there is none."""
        flat, nested = self.bind(key, "String"), self._nested(key)
        if not nested:
            return self._text(flat)
        return f"if({self._holds(flat)}, {self._text(flat)}, {self._text(nested)})"

    def any_value(self, compare: Compare) -> str:
        """Whether any key has a value like this."""
        return f"arrayExists(held -> {self.value(compare, 'held')}, mapValues({self._all}))"

    def value(self, compare: Compare, held: str) -> str:
        """Whether the text `held` is a value like this."""
        operator, value = compare.operator, compare.value
        if operator == "in":
            return f"has({self.bind([plain_of(item) for item in items_of(value)], 'Array(String)')}, {held})"
        if operator == "like":
            return f"{held} ILIKE {self.bind(pattern_of(text_of(value, 'a pattern')), 'String')}"
        if operator in ("eq", "neq"):
            return f"{held} {SIGNS[operator]} {self.bind(plain_of(value.value), 'String')}"
        if operator not in SIGNS:
            raise FilterError(
                f"{operator} has no meaning for a value", compare.position, "use eq, neq, in, like, gt or lt"
            )
        if isinstance(value.value, int | float) and not isinstance(value.value, bool):
            return f"ifNull(toFloat64OrNull({held}) {SIGNS[operator]} {self.bind(float(value.value), 'Float64')}, 0)"
        return f"{held} {SIGNS[operator]} {self.bind(plain_of(value.value), 'String')}"

    def contain(self, compare: Compare, name: str) -> str:
        """Whether they hold all of an object: of objects inside of it, what is written there and maybe more."""
        return f"({' AND '.join(self._wanted(object_of(compare.value, name), (), compare))})"

    def _wanted(self, wanted: Mapping[str, Any], above: Sequence[str], compare: Compare) -> list[str]:
        if len(above) >= MAX_KEY_STEPS:
            raise FilterError(f"an object deeper than {MAX_KEY_STEPS}", compare.value.position)
        conditions: list[str] = []
        for key, value in wanted.items():
            if isinstance(value, dict) and value:
                conditions += self._wanted(value, (*above, key), compare)
            else:
                conditions += self._same((*above, key), value)
        return conditions

    def _same(self, path: Sequence[str], value: Any) -> list[str]:
        """That this stands there. What is not there reads as '' too, so an empty text must be seen to be there."""
        if len(path) > 1:
            bound = ", ".join(self.bind(step, "String") for step in path)
            is_there, held = self._holds(bound), self._text(bound)
        else:
            is_there, held = self.has_key(path[0]) if value == "" else "", self.at(path[0])
        same = f"{held} = {self.bind(plain_of(value), 'String')}"
        return [is_there, same] if value == "" else [same]

    def _nested(self, key: str) -> str | None:
        steps = key.split(".")
        if not 1 < len(steps) <= MAX_KEY_STEPS:
            return None
        return ", ".join(self.bind(step, "String") for step in steps)

    def _holds(self, path: str) -> str:
        return f"JSONHas({self.column}, {path})"

    def _text(self, path: str) -> str:
        string = f"JSONType({self.column}, {path}) = 'String'"
        return f"if({string}, JSONExtractString({self.column}, {path}), JSONExtractRaw({self.column}, {path}))"

    @property
    def _all(self) -> str:
        return f"JSONExtract({self.column}, 'Map(String, String)')"
