"""Filter text to a tree. Every fault is a `FilterError` with a position, whatever the text."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn, TypeVar

from everytoken.query.filter.errors import FilterError, nearest
from everytoken.query.filter.tree import (
    COMPARISONS,
    And,
    Compare,
    Expression,
    Literal,
    Not,
    Or,
    Search,
    Value,
)

MAX_CHARS = 50_000  # a list of 1,000 ids is 40,000
MAX_DEPTH = 50  # deeper than any program writes; Python's own stack ends at a few hundred of our frames
MAX_TERMS = 2_000

_T = TypeVar("_T")

OPERATORS = ("and", "or", "not", "search", "has", "exists", "in", *COMPARISONS)
CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "none": None}

_TOKEN = re.compile(
    r"""(?P<space>[\s]+)
      | (?P<number>[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?(?![\w.]))
      | (?P<name>[A-Za-z_][A-Za-z0-9_.]*)
      | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<mark>[(),\[\]])""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int


def parse(text: str) -> Expression:
    """The tree of one filter.

    Raises:
        FilterError: it is not a filter.
    """
    if len(text) > MAX_CHARS:
        raise FilterError(
            f"the filter is longer than {MAX_CHARS} characters", MAX_CHARS, "split it into several questions"
        )
    return _Parser(_tokens(text)).whole()


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            _refuse(text, at)
        kind = found.lastgroup or ""
        if kind != "space":
            tokens.append(_Token(kind, found.group(), at))
        at = found.end()
    tokens.append(_Token("end", "", len(text)))
    return tokens


def _refuse(text: str, at: int) -> NoReturn:
    letter = text[at]
    if letter in "\"'":
        raise FilterError("a string begins here and never ends", at, f"close it with {letter}")
    if letter == ":":
        raise FilterError("unexpected ':'", at, 'write eq(field, "value") in place of field:value')
    if letter in "=<>!&|":
        raise FilterError(f"unexpected {letter!r}", at, "write operators as calls, such as gt(latency, 5)")
    raise FilterError(f"unexpected {letter!r}", at)


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._terms = 0

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def whole(self) -> Expression:
        if self._next.kind == "end":
            raise FilterError("the filter is empty", 0, 'write one such as eq(run_type, "llm"), or leave it out')
        expression = self._expression(0)
        if self._next.kind != "end":
            raise FilterError(
                f"unexpected {self._next.text[:40]!r} after the filter's end", self._next.position,
                "join two filters with and(first, second)",
            )  # fmt: skip
        return expression

    def _expression(self, depth: int) -> Expression:
        token = self._take("name", 'an operator, such as eq(name, "x")')
        self._terms += 1
        if depth > MAX_DEPTH:
            raise FilterError(
                f"nested deeper than {MAX_DEPTH}", token.position, "and() and or() take any number of arguments"
            )
        if self._terms > MAX_TERMS:
            raise FilterError(
                f"more than {MAX_TERMS} terms", token.position, "in(field, [...]) holds many values in one term"
            )
        operator = token.text.lower()
        if operator not in OPERATORS:
            raise FilterError(f"unknown operator {token.text[:60]!r}", token.position, nearest(operator, OPERATORS))
        self._mark("(", f"{operator} is a call: {operator}(...)")
        if operator in ("and", "or"):
            parts = self._list(lambda: self._expression(depth + 1), ")")
            if not parts:
                raise FilterError(f"{operator}() needs at least one argument", token.position)
            return And(parts, token.position) if operator == "and" else Or(parts, token.position)
        if operator == "not":
            inner = self._expression(depth + 1)
            self._mark(")", "not takes one argument")
            return Not(inner, token.position)
        return self._search(token) if operator == "search" else self._comparison(operator, token)

    def _search(self, operator: _Token) -> Search:
        field: Literal | None = None
        if self._next.kind == "name":
            field = self._field()
            self._mark(",", 'write search("text") or search(field, "text")')
        text = self._value()
        self._mark(")", 'write search("text") or search(field, "text")')
        if not isinstance(text.value, str):
            raise FilterError("search needs a string", text.position, 'such as search("timeout")')
        return Search(field, text, operator.position)

    def _comparison(self, operator: str, token: _Token) -> Compare:
        field = self._field()
        self._mark(",", f"write {operator}({field.value}, value)")
        value = self._value()
        self._mark(")", f"{operator} takes two arguments")
        if operator == "in" and not isinstance(value.value, tuple):
            raise FilterError("in needs a list", value.position, f"write in({field.value}, [...])")
        if operator != "in" and isinstance(value.value, tuple):
            raise FilterError(
                f"{operator} takes one value, not a list", value.position, f"write in({field.value}, [...])"
            )
        return Compare(operator, field, value, token.position)

    def _field(self) -> Literal:
        # Some clients quote the field.
        token = self._next
        if token.kind == "string":
            self._at += 1
            return Literal(_unquoted(token), token.position)
        token = self._take("name", "a field name, such as run_type")
        return Literal(token.text, token.position)

    def _value(self) -> Literal:
        token = self._next
        self._at += 1
        if token.kind == "string":
            return Literal(_unquoted(token), token.position)
        if token.kind == "number":
            return Literal(_number(token), token.position)
        if token.kind == "mark" and token.text == "[":
            items = self._list(self._value, "]")
            values = tuple(item.value for item in items if not isinstance(item.value, tuple))
            if len(values) < len(items):
                raise FilterError("a list holds no lists", token.position)
            return Literal(values, token.position)
        if token.kind == "name" and token.text.lower() in CONSTANTS:
            return Literal(CONSTANTS[token.text.lower()], token.position)
        self._at -= 1
        if token.kind == "name":
            raise FilterError(f"{token.text[:60]!r} is no value", token.position, f'quote text: "{token.text[:60]}"')
        raise self._unexpected("a value: text in quotes, a number, true, false, null or a list")

    def _list(self, read: Callable[[], _T], close: str) -> tuple[_T, ...]:
        items: list[_T] = []
        if self._next.text != close or self._next.kind != "mark":
            items.append(read())
            while self._next.kind == "mark" and self._next.text == ",":
                self._at += 1
                items.append(read())
        self._mark(close, "separate arguments with a comma")
        return tuple(items)

    def _take(self, kind: str, wanted: str) -> _Token:
        if self._next.kind != kind:
            raise self._unexpected(wanted)
        self._at += 1
        return self._tokens[self._at - 1]

    def _mark(self, text: str, suggestion: str) -> None:
        token = self._next
        if token.kind != "mark" or token.text != text:
            found = repr(token.text[:40]) if token.text else "the end"
            raise FilterError(f"expected {text!r}, found {found}", token.position, suggestion)
        self._at += 1

    def _unexpected(self, wanted: str) -> FilterError:
        token = self._next
        found = repr(token.text[:40]) if token.text else "the end"
        return FilterError(f"expected {wanted}, found {found}", token.position)


def _unquoted(token: _Token) -> str:
    def plain(found: re.Match[str]) -> str:
        code = found.group(1)
        return chr(int(code[1:], 16)) if len(code) == 5 else _ESCAPED.get(code, code)

    text = _ESCAPE.sub(plain, token.text[1:-1])
    # Two escapes may make one letter beyond the first plane; half of one is no text at all.
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise FilterError("half of a surrogate pair", token.position, "write the letter itself") from None


def _number(token: _Token) -> Value:
    if len(token.text) > 60:
        raise FilterError("a number of more than 60 characters", token.position)
    if re.fullmatch(r"[-+]?\d+", token.text):
        return int(token.text)
    number = float(token.text)
    if number in (float("inf"), float("-inf")):
        raise FilterError("a number beyond all bounds", token.position)
    return number
