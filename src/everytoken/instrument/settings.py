"""Settings of the client half: one table, read from the environment when `instrument()` is called."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

CONTENT_MODES = ("full", "masked", "none")
EXPORTS = ("langsmith", "otel")


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table."""

    name: str
    default: Any
    read: Callable[[str], Any]
    """Turns the variable's text into the value; raises ValueError where it is none."""
    sentence: str

    @property
    def variable(self) -> str:
        return f"EVERYTOKEN_{self.name.upper()}"


def _one_of(choices: tuple[str, ...]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return text.lower()

    return read


def _number(low: float, high: float, kind: type = float) -> Callable[[str], Any]:
    fault = f"a {'whole ' if kind is int else ''}number from {_short(low)} to {_short(high)}"

    def read(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            raise ValueError(fault) from None
        if not low <= value <= high:
            raise ValueError(fault)
        return value

    return read


def _short(bound: float) -> str:
    return f"{bound:,.0f}" if bound == int(bound) else f"{bound:g}"


def _patterns(text: str) -> tuple[re.Pattern[str], ...]:
    try:
        return tuple(re.compile(line) for line in text.splitlines() if line.strip())
    except re.error as error:
        raise ValueError(f"regular expressions, one a line: {error}") from error


TABLE: tuple[Setting, ...] = (
    Setting("content", "full", _one_of(CONTENT_MODES), "What of prompts and answers is sent: full, masked or none."),
    Setting("content_sample", 1.0, _number(0, 1), "Share of traces whose content is sent; usage is sent for all."),
    Setting("mask", (), _patterns, "Further regular expressions to mask, one a line."),
    Setting("export", "langsmith", _one_of(EXPORTS), "Send LangSmith runs, or OpenTelemetry GenAI spans (otel)."),
    Setting("start_after_s", 0.5, _number(0, 3600), "A call still open after this long is shown as running."),
    Setting("exit_timeout_s", 2.0, _number(0, 60), "Longest time the exit of the process waits for what is unsent."),
    Setting(
        "queue_max", 10_000, _number(1, 1_000_000, int), "Calls waiting to be sent before further ones are dropped."
    ),
    Setting("queue_max_bytes", 64 * 1024**2, _number(1024, 2**40, int), "Bytes of answers waiting to be sent."),
)


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """The values in force."""

    content: str = "full"
    content_sample: float = 1.0
    mask: tuple[re.Pattern[str], ...] = ()
    export: str = "langsmith"
    start_after_s: float = 0.5
    exit_timeout_s: float = 2.0
    queue_max: int = 10_000
    queue_max_bytes: int = 64 * 1024**2


def read_settings(
    environment: Mapping[str, str] = os.environ, given: Mapping[str, Any] | None = None
) -> tuple[ClientSettings, tuple[str, ...]]:
    """The settings, and a sentence for each value that can't be read; what stands behind it then holds.

    `given` are arguments by name: argument over environment over default.
    """
    values: dict[str, Any] = {}
    given = given or {}
    faults = [f"there is no setting {name!r}" for name in given if name not in {setting.name for setting in TABLE}]
    for setting in TABLE:
        values[setting.name] = setting.default
        told = ((setting.variable, environment.get(setting.variable)), (setting.name, given.get(setting.name)))
        for source, value in told:
            if value is None or not str(value).strip():
                continue
            try:
                values[setting.name] = setting.read(_text(value))
            except ValueError as error:
                faults.append(f"{source}={value!r} is ignored; it must be {error}")
    return ClientSettings(**values), tuple(faults)


def _text(value: Any) -> str:
    """An argument as its variable would say it; several are lines."""
    return "\n".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
