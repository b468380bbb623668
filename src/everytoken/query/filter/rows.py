"""A filter over rows in memory, such as projects and threads, in the language that runs are found by."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from everytoken.query.filter.errors import FilterError, nearest
from everytoken.query.filter.fields import PAIRS, Kind
from everytoken.query.filter.parse import parse
from everytoken.query.filter.tree import And, Compare, Expression, Literal, Not, Or, Scalar, Search, leaves
from everytoken.query.filter.values import (
    as_text,
    id_of,
    instant_of,
    items_of,
    name_of,
    number_of,
    object_of,
    pattern_of,
    plain_of,
    seconds_of,
    text_of,
)

_FAMILIES = ("metadata", "feedback")
_PIECES = re.compile(r"\\(.)|(%)|(_)|([^\\%_]+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Row:
    """What a filter may ask of one row."""

    values: Mapping[str, Any]
    """By the names of `Plain.fields`; times in microseconds; `None` is not known."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    feedback: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Key → its `avg`, and how often each of its `values` was given."""


@dataclass(frozen=True, slots=True)
class Plain:
    """Filters of one kind of row."""

    fields: Mapping[str, Kind]

    def parse(self, text: str) -> Expression:
        """The tree of a filter over such rows.

        Raises:
            FilterError: it is no filter, or asks for what these rows have not.
        """
        expression = parse(text)
        for leaf in leaves(expression):
            self.holds(leaf, Row({}))
        return expression

    def holds(self, expression: Expression, row: Row) -> bool:
        """Whether the filter finds the row.

        Raises:
            FilterError: a field or a value that does not fit.
        """
        match expression:
            case And(parts):
                return self._all(parts, row)
            case Or(parts):
                return any(self.holds(part, row) for part in parts)
            case Not(part):
                return not self.holds(part, row)
            case Search():
                return self._search(expression, row)
            case Compare():
                return self._compare(expression, row)

    def _all(self, parts: Sequence[Expression], row: Row) -> bool:
        """A key and a value of one map that stand side by side speak of the same entry."""
        keys: dict[str, str] = {}
        for part in parts:
            pair = PAIRS.get(name_of(part.name)) if isinstance(part, Compare) else None
            if pair is not None and isinstance(part, Compare) and pair.part == "key" and part.operator == "eq":
                keys.setdefault(pair.family, text_of(part.value, "a key"))
        return all(self._with_keys(part, row, keys) for part in parts)

    def _with_keys(self, part: Expression, row: Row, keys: Mapping[str, str]) -> bool:
        pair = PAIRS.get(name_of(part.name)) if isinstance(part, Compare) else None
        if pair is None or not isinstance(part, Compare) or pair.part == "key" or pair.family not in keys:
            return self.holds(part, row)
        return any(_entry(part, held) for held in _held(pair.family, pair.part, row, keys[pair.family]))

    def _compare(self, compare: Compare, row: Row) -> bool:
        name = name_of(compare.name)
        pair = PAIRS.get(name)
        if pair is not None and pair.family in _FAMILIES:
            return self._pair(compare, row)
        if compare.operator == "has" and name == "metadata":
            return _contains(row.metadata, object_of(compare.value, name))
        if compare.operator == "exists" and name == "metadata":
            return text_of(compare.value, "a key") in row.metadata
        kind = self.fields.get(name)
        if kind is None:
            known = [*self.fields, *(name for name, pair in PAIRS.items() if pair.family in _FAMILIES)]
            raise FilterError(
                f"unknown field {str(compare.name.value)[:60]!r}", compare.name.position, nearest(name, known)
            )
        return _tested(compare, row.values.get(name), kind)

    def _pair(self, compare: Compare, row: Row) -> bool:
        pair = PAIRS[name_of(compare.name)]
        if pair.part != "key":
            held = [entry for key in _map_of(pair.family, row) for entry in _held(pair.family, pair.part, row, key)]
            return any(_entry(compare, one) for one in held)
        keys = list(_map_of(pair.family, row))
        if compare.operator == "neq":
            return text_of(compare.value, "a key") not in keys
        return any(_entry(compare, key) for key in keys)

    def _search(self, search: Search, row: Row) -> bool:
        text = text_of(search.text, "a text").lower()
        names = [name for name, kind in self.fields.items() if kind == "text"]
        if search.name is not None:
            name = name_of(search.name)
            if name not in names:
                raise FilterError(f"{name[:60]!r} cannot be searched", search.name.position, nearest(name, names))
            names = [name]
        return any(text in str(row.values.get(name) or "").lower() for name in names)


def _contains(held: Any, wanted: Mapping[str, Any]) -> bool:
    """Whether an object holds all of another: of objects inside of it, what is written there and maybe more."""
    return isinstance(held, Mapping) and all(
        _contains(held.get(key), value) if isinstance(value, dict) and value else key in held and held[key] == value
        for key, value in wanted.items()
    )


def _map_of(family: str, row: Row) -> Mapping[str, Any]:
    return row.metadata if family == "metadata" else row.feedback


def _held(family: str, part: str, row: Row, key: str) -> list[Any]:
    if family == "metadata":
        return [row.metadata[key]] if key in row.metadata else []
    told = row.feedback.get(key)
    if told is None:
        return []
    if part == "score":
        return [] if told.get("avg") is None else [told["avg"]]
    return list(told.get("values") or {}) if part == "value" else list(told.get(f"{part}s") or [])


def _entry(compare: Compare, held: Any) -> bool:
    """One value of a map against what is asked of it, as numbers where both are."""
    wanted = compare.value.value
    if _is_number(held) and _is_number(wanted):
        return _tested(compare, held, "number")
    return _tested(compare, plain_of(held), "text", read=plain_of)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _tested(compare: Compare, held: Any, kind: Kind, read: Any = None) -> bool:
    operator, value = compare.operator, compare.value
    if operator in ("has", "exists"):
        raise FilterError(f"{operator} has no meaning for {name_of(compare.name)[:60]!r}", compare.name.position)
    if operator == "like":
        if kind != "text":
            raise FilterError(f"like has no meaning for {name_of(compare.name)[:60]}", compare.position)
        return held is not None and _like(text_of(value, "a pattern")).fullmatch(str(held)) is not None
    if operator == "in":
        return held in [_read(item, value, kind, read) for item in items_of(value)]
    assert not isinstance(value.value, tuple)
    if value.value is None:
        if operator not in ("eq", "neq"):
            raise FilterError(f"{operator} has no meaning for null", value.position)
        return (held is None) == (operator == "eq")
    wanted = _read(value.value, value, kind, read)
    if held is None:
        return operator == "neq"
    return bool(_ORDERS[operator](held, wanted))


_ORDERS: Mapping[str, Any] = {
    "eq": lambda held, wanted: held == wanted,
    "neq": lambda held, wanted: held != wanted,
    "gt": lambda held, wanted: held > wanted,
    "gte": lambda held, wanted: held >= wanted,
    "lt": lambda held, wanted: held < wanted,
    "lte": lambda held, wanted: held <= wanted,
}


def _read(item: Scalar, at: Literal, kind: Kind, read: Any) -> Any:
    if read is not None:
        return read(item)
    match kind:
        case "id":
            return id_of(item, at)
        case "time":
            return instant_of(item, at)
        case "seconds":
            return seconds_of(item, at)
        case "number":
            return number_of(item, at)
    return as_text(item, at)


def _like(text: str) -> re.Pattern[str]:
    """ILIKE's pattern: `%` is any text, `_` any letter, a backslash takes the next as it is."""
    pieces = (
        ".*" if found[2] else "." if found[3] else re.escape(found[1] or found[4])
        for found in _PIECES.finditer(pattern_of(text))
    )
    return re.compile("".join(pieces), re.IGNORECASE | re.DOTALL)
