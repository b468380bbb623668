"""The tree of a filter, each node with the place it was written at; `write` turns one back to text."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool | None
Value: TypeAlias = Scalar | tuple[Scalar, ...]

SIGNS = {"eq": "=", "neq": "!=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
"""Comparisons that SQL writes with a sign."""
COMPARISONS = (*SIGNS, "like")


@dataclass(frozen=True, slots=True)
class Literal:
    """A value or a field's name."""

    value: Value
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Compare:
    operator: str
    """One of `COMPARISONS`, `in`, `has` or `exists`."""
    name: Literal
    """Of the field."""
    value: Literal
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Search:
    name: Literal | None
    """Of the field; `None` searches all text."""
    text: Literal
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class And:
    parts: "tuple[Expression, ...]"
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Or:
    parts: "tuple[Expression, ...]"
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    part: "Expression"
    position: int = field(default=0, compare=False)


Expression: TypeAlias = And | Or | Not | Compare | Search


def leaves(expression: Expression) -> Iterator[Compare | Search]:
    """Its comparisons and searches, as they are written."""
    match expression:
        case And(parts) | Or(parts):
            for part in parts:
                yield from leaves(part)
        case Not(part):
            yield from leaves(part)
        case _:
            yield expression


def write(expression: Expression) -> str:
    """Text that parses to an equal tree."""
    match expression:
        case And(parts) | Or(parts):
            name = "and" if isinstance(expression, And) else "or"
            return f"{name}({', '.join(write(part) for part in parts)})"
        case Not(part):
            return f"not({write(part)})"
        case Search(None, text):
            return f"search({_write_value(text.value)})"
        case Search(named, text):
            return f"search({named.value if named else ''}, {_write_value(text.value)})"
        case Compare(operator, named, value):
            return f"{operator}({named.value}, {_write_value(value.value)})"


def _write_value(value: Value) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_write_value(item) for item in value)}]"
    return json.dumps(value, ensure_ascii=False)
