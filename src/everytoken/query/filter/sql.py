"""A filter's tree to a condition over `run_versions`. Values reach the SQL as bound parameters and in no other way."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from typing import Literal as Choice

from everytoken.query.filter.errors import FilterError, nearest
from everytoken.query.filter.feedback import FeedbackRuns, feedback_test
from everytoken.query.filter.fields import FIELDS, JSON_COLUMNS, PAIRS, SEARCHED, Field, Pair
from everytoken.query.filter.maps import Entries
from everytoken.query.filter.tree import SIGNS, And, Compare, Expression, Not, Or, Scalar, Search
from everytoken.query.filter.values import (
    as_text,
    id_of,
    instant_of,
    items_of,
    name_of,
    number_of,
    pattern_of,
    seconds_of,
    text_of,
)

MAX_SQL_CHARS = 150_000
"""Of all conditions of a question; ClickHouse parses 262,144 bytes, and the rest of the query is there too."""
MAX_LOOKUPS = 20
"""Comparisons that read more than the run: each sums up all charges of the projects, or asks for feedback."""
TOO_MUCH = "ask several questions, or put many values into one in(field, [...])"


@dataclass(slots=True)
class Compiler:
    """Compiles any number of filters into one set of parameters."""

    feedback_runs: FeedbackRuns
    rollup: str = ""
    """SQL of a table `run_id, prompt_tokens, completion_tokens, total_tokens, total_cost, ...` over subtrees."""
    params: dict[str, Any] = field(default_factory=dict)
    fields: Mapping[str, Field] = field(default_factory=lambda: FIELDS)
    _chars: int = 0
    _lookups: int = 0

    def condition(self, expression: Expression) -> str:
        """A SQL condition that is true or false, never null.

        Raises:
            FilterError: a field or a value that does not fit, or more than one query can ask.
        """
        match expression:
            case And(parts):
                return self._all(parts)
            case Or(parts):
                return f"({' OR '.join(self.condition(part) for part in parts)})"
            case Not(part):
                return f"NOT {self.condition(part)}"
            case Search():
                return self._weighed(self._search(expression), expression.position)
            case Compare():
                return self._weighed(self._compare(expression), expression.position)

    def bind(self, value: Any, kind: str) -> str:
        """A placeholder of that type for the value."""
        name = f"f{len(self.params)}"
        self.params[name] = _encodable(value)
        return f"{{{name}:{kind}}}"

    def _weighed(self, condition: str, position: int) -> str:
        self._chars += len(condition)
        if self._chars > MAX_SQL_CHARS:
            raise FilterError("the filter asks for more than one query can hold", position, TOO_MUCH)
        return condition

    def _look_up(self, position: int) -> None:
        self._lookups += 1
        if self._lookups > MAX_LOOKUPS:
            raise FilterError(f"more than {MAX_LOOKUPS} comparisons of sums or of feedback", position, TOO_MUCH)

    def _all(self, parts: Sequence[Expression]) -> str:
        """Keys and values of one map, or of one feedback, that stand side by side speak of the same entry."""
        conditions: list[str] = []
        open_pairs: dict[str, tuple[Compare, list[Compare]]] = {}
        for part in parts:
            pair = PAIRS.get(name_of(part.name)) if isinstance(part, Compare) else None
            if pair is None or not isinstance(part, Compare):
                conditions.append(self.condition(part))
            elif pair.part == "key" and part.operator in ("eq", "like", "in"):
                if pair.family in open_pairs:
                    conditions.append(self._pair(*open_pairs.pop(pair.family)))
                open_pairs[pair.family] = (part, [])
            elif pair.part != "key" and pair.family in open_pairs:
                open_pairs[pair.family][1].append(part)
            else:
                conditions.append(self._value_before_key(pair, part, parts, open_pairs) or self.condition(part))
        conditions += [self._pair(*held) for held in open_pairs.values()]
        joined = " AND ".join(condition for condition in conditions if condition != "1")
        return f"({joined})" if joined else "1"

    def _value_before_key(
        self,
        pair: Pair,
        part: Compare,
        parts: Sequence[Expression],
        open_pairs: dict[str, tuple[Compare, list[Compare]]],
    ) -> str | None:
        """A value written before its key: opens the pair with the first key that follows."""
        if pair.part == "key":
            return None
        for other in parts:
            if isinstance(other, Compare) and other.operator == "eq":
                found = PAIRS.get(name_of(other.name))
                if found and found.family == pair.family and found.part == "key":
                    open_pairs[pair.family] = (other, [part])
                    return "1"
        return None

    def _pair(self, key: Compare, values: Sequence[Compare]) -> str:
        pair = PAIRS[name_of(key.name)]
        if pair.family == "feedback":
            return self._feedback([key, *values])
        entries = self._entries(pair.family)
        if not values:
            return self._weighed(entries.key(key), key.position)
        if key.operator != "eq":
            raise FilterError(
                f"{key.operator} on a key cannot be joined with a value", key.position, "use eq for the key"
            )
        text = text_of(key.value, "a key")
        conditions = [entries.has_key(text)] + [entries.value(value, entries.at(text)) for value in values]
        return self._weighed(f"({' AND '.join(conditions)})", key.position)

    def _entries(self, family: str) -> Entries:
        return Entries(JSON_COLUMNS[family], self.bind)

    def _compare(self, compare: Compare) -> str:
        name = name_of(compare.name)
        pair = PAIRS.get(name)
        if pair is not None:
            return self._lone_pair(pair, compare)
        if compare.operator == "has":
            return self._has(name, compare)
        if compare.operator == "exists":
            return self._exists(name, compare)
        known = self.fields.get(name)
        if known is None:
            raise FilterError(
                f"unknown field {str(compare.name.value)[:60]!r}",
                compare.name.position,
                nearest(name, {*self.fields, *PAIRS}),
            )
        return _COMPARE[known.kind](self, known, compare)

    def _lone_pair(self, pair: Pair, compare: Compare) -> str:
        if pair.family == "feedback":
            if pair.part == "key" and compare.operator == "neq":
                same = Compare("eq", compare.name, compare.value, compare.position)
                return f"NOT {self._feedback([same])}"
            return self._feedback([compare])
        entries = self._entries(pair.family)
        return entries.key(compare) if pair.part == "key" else entries.any_value(compare)

    def _has(self, name: str, compare: Compare) -> str:
        known = self.fields.get(name)
        if known is not None and known.kind == "tags":
            return f"has({known.sql}, {self.bind(text_of(compare.value, 'a tag'), 'String')})"
        if name not in JSON_COLUMNS:
            raise FilterError(
                f"has has no meaning for {name[:60]!r}",
                compare.name.position,
                'write has(tags, "x") or has(metadata, \'{"k":"v"}\')',
            )
        return self._entries(name).contain(compare, name)

    def _exists(self, name: str, compare: Compare) -> str:
        if name not in JSON_COLUMNS:
            raise FilterError(
                f"exists has no meaning for {name[:60]!r}", compare.name.position, 'write exists(metadata, "k")'
            )
        return self._entries(name).has_key(text_of(compare.value, "a key"))

    def _search(self, search: Search) -> str:
        columns: Mapping[str, Choice["json", "text"]] = SEARCHED
        if search.name is not None:
            name = name_of(search.name)
            if name not in SEARCHED:
                raise FilterError(f"{name[:60]!r} cannot be searched", search.name.position, nearest(name, SEARCHED))
            columns = {name: SEARCHED[name]}
        text = text_of(search.text, "a text")
        if not text:
            return "1"
        plain, quoted = self.bind(text, "String"), self.bind(json.dumps(text, ensure_ascii=False)[1:-1], "String")
        conditions = [
            f"positionCaseInsensitiveUTF8({name}.2, {quoted if kind == 'json' else plain}) > 0"
            for name, kind in columns.items()
        ]
        return f"({' OR '.join(conditions)})"

    def _feedback(self, compares: Sequence[Compare]) -> str:
        self._look_up(compares[0].position)
        tests = [feedback_test(compare) for compare in compares]
        return f"run_id IN {self.bind(list(self.feedback_runs(tests)), 'Array(UUID)')}"

    def text(self, known: Field, compare: Compare) -> str:
        operator, value = compare.operator, compare.value
        if operator == "in":
            wanted = [as_text(item, value) for item in items_of(value)]
            wanted = [text.lower() for text in wanted] if known.lower else wanted
            return f"has({self.bind(wanted, 'Array(String)')}, {known.sql})"
        if value.value is None:
            return self._null(known, compare, f"{known.sql} = ''")
        text = text_of(value, "text")
        if known.lower:
            text = text.lower()
        if operator == "like":
            return f"{known.sql} ILIKE {self.bind(pattern_of(text), 'String')}"
        return f"{known.sql} {SIGNS[operator]} {self.bind(text, 'String')}"

    def ids(self, known: Field, compare: Compare) -> str:
        operator, value = compare.operator, compare.value
        if operator == "in":
            wanted = [id_of(item, value) for item in items_of(value)]
            return f"ifNull({known.sql} IN {self.bind(wanted, 'Array(UUID)')}, 0)"
        if operator not in ("eq", "neq"):
            raise FilterError(f"{operator} has no meaning for an id", compare.position, "use eq, neq or in")
        if value.value is None:
            return self._null(known, compare, f"isNull({known.sql})")
        same = f"ifNull({known.sql} = {self.bind(id_of(value.value, value), 'UUID')}, 0)"
        return same if operator == "eq" else f"NOT {same}"

    def time(self, known: Field, compare: Compare) -> str:
        return self._ordered(known, compare, lambda item: instant_of(item, compare.value), "Int64")

    def seconds(self, known: Field, compare: Compare) -> str:
        return self._ordered(known, compare, lambda item: seconds_of(item, compare.value), "Float64")

    def number(self, known: Field, compare: Compare) -> str:
        return self._ordered(known, compare, lambda item: number_of(item, compare.value), "Float64")

    def truth(self, known: Field, compare: Compare) -> str:
        value = compare.value.value
        if isinstance(value, str) and value.lower() in ("true", "false"):
            value = value.lower() == "true"
        if not isinstance(value, bool) or compare.operator not in ("eq", "neq"):
            raise FilterError(f"{known.name} is true or false", compare.value.position, f"write eq({known.name}, true)")
        wanted = value == (compare.operator == "eq")
        return f"({known.sql})" if wanted else f"NOT ({known.sql})"

    def tags(self, known: Field, compare: Compare) -> str:
        operator, value = compare.operator, compare.value
        if operator == "in":
            return (
                f"hasAny({known.sql}, {self.bind([as_text(item, value) for item in items_of(value)], 'Array(String)')})"
            )
        if value.value is None:
            return self._null(known, compare, f"empty({known.sql})")
        if operator == "like":
            pattern = self.bind(pattern_of(text_of(value, "a tag")), "String")
            return f"arrayExists(tag -> tag ILIKE {pattern}, {known.sql})"
        text = self.bind(text_of(value, "a tag"), "String")
        if operator not in ("eq", "neq"):
            raise FilterError(f"{operator} has no meaning for tags", compare.position, 'write has(tags, "x")')
        return f"{'NOT ' if operator == 'neq' else ''}has({known.sql}, {text})"

    def rolled_up(self, known: Field, compare: Compare) -> str:
        """Sums of a subtree. A run without charges is in no such table: its tokens are 0, its cost is not known."""
        self._look_up(compare.position)
        at_zero = known.name.endswith("_tokens") and _holds_at_zero(compare)
        test = self._ordered(known, compare, lambda item: number_of(item, compare.value), "Float64")
        # Made of constants and of placeholders alone.
        chosen = f"SELECT run_id FROM ({self.rollup}) WHERE {'NOT ' if at_zero else ''}{test}"  # noqa: S608
        return f"run_id {'NOT IN' if at_zero else 'IN'} ({chosen})"

    def _ordered(self, known: Field, compare: Compare, read: Callable[[Scalar], float], kind: str) -> str:
        operator, value = compare.operator, compare.value
        if operator == "in":
            return f"ifNull({known.sql} IN {self.bind([read(item) for item in items_of(value)], f'Array({kind})')}, 0)"
        if operator == "like":
            raise FilterError(f"like has no meaning for {known.name}", compare.position, "use eq, gt, gte, lt or lte")
        if value.value is None:
            return self._null(known, compare, f"isNull({known.sql})")
        return f"ifNull({known.sql} {SIGNS[operator]} {self.bind(read(value.value), kind)}, 0)"  # type: ignore[arg-type]  # no tuple

    def _null(self, known: Field, compare: Compare, is_null: str) -> str:
        if compare.operator not in ("eq", "neq"):
            raise FilterError(
                f"{compare.operator} has no meaning for null", compare.value.position, f"write eq({known.name}, null)"
            )
        return is_null if compare.operator == "eq" else f"NOT ({is_null})"


_COMPARE: dict[str, Callable[[Compiler, Field, Compare], str]] = {
    "text": Compiler.text,
    "id": Compiler.ids,
    "time": Compiler.time,
    "seconds": Compiler.seconds,
    "number": Compiler.number,
    "truth": Compiler.truth,
    "tags": Compiler.tags,
    "sum": Compiler.rolled_up,
}


def _encodable(value: Any) -> Any:
    """Half of a surrogate pair has no UTF-8, and so is in nothing that is stored."""
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _holds_at_zero(compare: Compare) -> bool:
    value = compare.value
    if compare.operator == "in":
        return any(number_of(item, value) == 0 for item in items_of(value))
    if value.value is None:
        return compare.operator == "neq"
    assert not isinstance(value.value, tuple)
    wanted = number_of(value.value, value)
    holds = {
        "eq": wanted == 0,
        "neq": wanted != 0,
        "gt": wanted < 0,
        "gte": wanted <= 0,
        "lt": wanted > 0,
        "lte": wanted >= 0,
    }
    return holds.get(compare.operator, False)
