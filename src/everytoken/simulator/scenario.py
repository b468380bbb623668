"""Scenarios: TOML files that say how the simulated models answer. The first rule that fits a request answers it."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path
from typing import Any

from everytoken.simulator.ask import Ask
from everytoken.simulator.billing import Billed, billed_from
from everytoken.simulator.faults import Fault, read_fault

MAX_RULES = 1_000
MAX_DEPTH = 5
"""How far `extends` may reach; a longer chain is taken for a circle."""
SHIPPED = files("everytoken.simulator") / "scenarios"


class ScenarioError(ValueError):
    """The file says something that can't be; the message names the place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """What a request must be for a rule to fit. Empty fits everything; a list fits if one of its members does."""

    provider: tuple[str, ...] = ()
    api: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    """Patterns such as `gpt-5*`."""
    function: tuple[str, ...] = ()
    """Patterns for the name of the function the client forces; if it forces none, of any it offers."""
    schema: tuple[str, ...] = ()
    """Patterns for the name of the JSON schema; `*` fits any request that has one."""
    user: tuple[str, ...] = ()
    """Texts; one must stand in the last user message."""
    unless: tuple[str, ...] = ()
    """Texts; none may stand in the last user message. At the head of a file: for all its own rules."""
    system: tuple[str, ...] = ()
    stream: bool | None = None
    search: bool | None = None
    """Whether the provider's own web search is offered."""
    picture: bool | None = None
    """Whether the client sent a picture."""
    calls: tuple[int, int, int] | None = None
    """First and last of the requests that fit otherwise, counted from 1, and the length of the cycle (0: none)."""

    def fits(self, ask: Ask) -> bool:
        offered = [ask.forced] if ask.forced not in (None, "*") else [f.name for f in ask.functions]
        switches = ((self.stream, ask.stream), (self.search, ask.searches), (self.picture, ask.pictures > 0))
        return (
            _among(ask.provider, self.provider)
            and _among(ask.api, self.api)
            and _among(ask.model, self.model)
            and (not self.function or any(_among(name or "", self.function) for name in offered))
            and (not self.schema or (ask.schema_name is not None and _among(ask.schema_name, self.schema)))
            and (not self.user or any(text in ask.user for text in self.user))
            and not any(text in ask.user for text in self.unless)
            and (not self.system or any(text in ask.system for text in self.system))
            and all(wanted is None or wanted == actual for wanted, actual in switches)
        )

    def fits_count(self, count: int) -> bool:
        if self.calls is None:
            return True
        first, last, cycle = self.calls
        return first <= ((count - 1) % cycle + 1 if cycle else count) <= last


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a rule says. What it leaves out is invented from the seed and the request."""

    text: str | None = None
    json: Any = None
    """Laid over an invented value of the request's JSON schema: keys the schema doesn't know are left out."""
    function: str | None = None
    """Function to call; default: the one the client forces or offers first."""
    arguments: Mapping[str, Any] | None = None
    """Laid over invented arguments, as `json` is."""
    thoughts: str | None = None
    """Summary of the reasoning, where the client asks for it."""
    queries: tuple[str, ...] | None = None
    """Searches the model makes, if the client offers its web search."""
    sources: tuple[Mapping[str, str], ...] | None = None
    """Pages found: tables with `title` and `url`."""
    picture: bool | None = None
    finish: str | None = None
    """`stop`, `length`, `content_filter`, `refusal` or `failed`."""
    hops: int = 1
    """Gemini: requests the answer is spread over (`CONTINUATION`)."""
    usage: Billed | None = None
    duration_ms: float | None = None
    first_token_ms: float | None = None
    chunks: int | None = None
    """Pieces a streamed text comes in."""
    model: str | None = None
    """Model named in the response, such as `gpt-5.2-2025-12-11`; default: as asked."""
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    when: When
    reply: Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Rules in the order they are tried, and the messages that make up the traffic they were written for."""

    name: str
    rules: tuple[Rule, ...] = ()
    vocabulary: Mapping[str, Mapping[Any, tuple[str, ...]]] = field(default_factory=dict)
    """Property of a schema → value → words: the first value with a word in the user's message fills the property."""
    traffic: tuple[Mapping[str, Any], ...] = ()
    """One table a conversation turn: `message`, and what else the application wants to know about it."""
    counts: dict[str, int] = field(default_factory=dict, compare=False)
    """Requests that fitted each rule so far, its `calls` aside."""

    def choose(self, ask: Ask) -> Rule | None:
        for rule in self.rules:
            if not rule.when.fits(ask):
                continue
            self.counts[rule.name] = self.counts.get(rule.name, 0) + 1
            if rule.when.fits_count(self.counts[rule.name]):
                return rule
        return None


def shipped_scenarios() -> list[str]:
    return sorted(entry.name.removesuffix(".toml") for entry in SHIPPED.iterdir() if entry.name.endswith(".toml"))


def load_scenario(name: str | Path) -> Scenario:
    """Read a shipped scenario by name, or a file by path.

    Raises:
        ScenarioError: no such scenario, not TOML, or a rule that can't be; the message says which.
    """
    return _load(str(name), depth=0)


def _load(name: str, *, depth: int) -> Scenario:
    if depth > MAX_DEPTH:
        raise ScenarioError(f"scenario {name}: `extends` goes in a circle")
    text = _read(name)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"scenario {name}: {error}") from error
    _only(table, {"name", "extends", "unless", "rule", "vocabulary", "traffic"}, f"scenario {name}")
    base = _load(table["extends"], depth=depth + 1) if "extends" in table else Scenario(name=name)
    own = tuple(
        _rule(entry, f"scenario {name}, rule {index}", _texts(table.get("unless", [])))
        for index, entry in enumerate(table.get("rule", []), 1)
    )
    rules = own + base.rules
    if len(rules) > MAX_RULES:
        raise ScenarioError(f"scenario {name}: more than {MAX_RULES} rules")
    names = [rule.name for rule in rules]
    if len(set(names)) < len(names):
        double = next(n for n in names if names.count(n) > 1)
        raise ScenarioError(f"scenario {name}: two rules are named {double!r}; the count of calls needs them apart")
    return Scenario(
        name=table.get("name", name),
        rules=rules,
        vocabulary={**base.vocabulary, **{key: _words(value) for key, value in table.get("vocabulary", {}).items()}},
        traffic=tuple(table.get("traffic", base.traffic)),
    )


def _read(name: str) -> str:
    try:
        if name in shipped_scenarios():
            return (SHIPPED / f"{name}.toml").read_text(encoding="utf-8")
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        known = ", ".join(shipped_scenarios())
        raise ScenarioError(f"no scenario {name!r}: neither a readable file nor one of {known}") from error


def _rule(entry: Mapping[str, Any], place: str, unless: tuple[str, ...]) -> Rule:
    _only(entry, {"name", "when", "reply"}, place)
    name = str(entry.get("name", place))
    try:
        when = _when(entry.get("when", {}), place)
        when = replace(when, unless=when.unless + unless)
        return Rule(name=name, when=when, reply=_reply(entry.get("reply", {}), place))
    except (TypeError, ValueError) as error:
        raise error if isinstance(error, ScenarioError) else ScenarioError(f"{place} ({name}): {error}") from error


def _when(table: Mapping[str, Any], place: str) -> When:
    _only(table, {f.name for f in fields(When)}, f"{place}, when")
    told: dict[str, Any] = {}
    for key, value in table.items():
        if key == "calls":
            told[key] = _calls(value)
        else:
            told[key] = bool(value) if key in ("stream", "search", "picture") else _texts(value)
    return When(**told)


def _calls(value: object) -> tuple[int, int, int]:
    """`3` the third, `"1-27"` the first 27, `"1-27/39"` the first 27 of every 39."""
    span, _, cycle = str(value).partition("/")
    first, _, last = span.partition("-")
    return int(first), int(last or first), int(cycle or 0)


def _reply(table: Mapping[str, Any], place: str) -> Reply:
    known = {f.name for f in fields(Reply)}
    _only(table, known, f"{place}, reply")
    special: dict[str, Any] = {}
    if "usage" in table:
        special["usage"] = billed_from(table["usage"])
    if "fault" in table:
        special["fault"] = read_fault(table["fault"])
    if "queries" in table:
        special["queries"] = _texts(table["queries"])
    if "sources" in table:
        special["sources"] = tuple(table["sources"])
    return Reply(**{**table, **special})


def _words(value: object) -> dict[Any, tuple[str, ...]]:
    """A list of words that stand for themselves, or a table of values and the words that mean them."""
    if isinstance(value, Mapping):
        return {key: _texts(words) for key, words in value.items()}
    return {word: (word,) for word in _texts(value)}


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),)


def _among(value: str, patterns: tuple[str, ...]) -> bool:
    return not patterns or any(fnmatchcase(value, pattern) for pattern in patterns)


def _only(table: Mapping[str, Any], known: set[str], place: str) -> None:
    unknown = sorted(set(table) - known)
    if unknown:
        raise ScenarioError(f"{place}: unknown key {', '.join(unknown)}; known are {', '.join(sorted(known))}")
