# ruff: noqa: T201  this module is a command as well

"""The matrix of call paths and qualities: measured here, kept in `docs/accounting.md`.

python -m tests.recorded.matrix                    measure all, print what holds and what does not
python -m tests.recorded.matrix "chat stream"      only rows whose name contains that
python -m tests.recorded.matrix --write            renew the tables in docs/accounting.md
python -m tests.recorded.matrix --json google-genai   verdicts as JSON: how other versions of an SDK are measured
python -m tests.recorded.matrix --off                  with nothing instrumented: what is a loss then
python -m tests.recorded.matrix --apart langchain-google   with what needs an environment of its own
"""

import importlib
import json
import logging
import sys
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from tests.recorded.table import SCENARIOS, Scenario
from tests.recorded.verdict import QUALITIES
from tests.recorded.world import World, opened

PATHS = (
    "openai_chat",
    "openai_streams",
    "openai_responses",
    "openai_media",
    "openai_attempts",
    "gemini",
    "agents",
    "langchain",
    "context",
)
"""Modules of `paths`, in the order of the page. One more integration is one more line here."""
APART = "langchain_google"
"""Module of `paths` whose packages do not install beside the others: measured in an environment of its own."""
PACKAGES = ("openai", "google-genai", "openai-agents", "langchain-core", "langchain-openai", "langgraph", "langsmith")
PAGE = Path(__file__).parents[2] / "docs" / "accounting.md"
BEGIN, END = "<!-- matrix: python -m tests.recorded.matrix --write -->", "<!-- end of matrix -->"


@dataclass(frozen=True, slots=True)
class Measured:
    """What became of one scenario."""

    key: str
    qualities: Mapping[str, int]
    losses: tuple[str, ...]


def load(*more: str) -> tuple[Scenario, ...]:
    """Every scenario, in the order of the page; those of further modules at the end."""
    order = [f"tests.recorded.paths.{name}" for name in (*PATHS, *more)]
    for module in order:
        importlib.import_module(module)
    # A module that another test has imported before stands first in the table, not on the page.
    return tuple(sorted(SCENARIOS, key=lambda scenario: order.index(scenario.action.__module__)))


def measure(world: World, scenario: Scenario) -> Measured:
    """Perform the scenario; an exception of it is a loss like any other."""
    try:
        verdict = world.perform(scenario)
    except Exception as error:
        return Measured(scenario.key, {}, (f"{type(error).__name__}: {error}",))
    losses = list(verdict.losses)
    exact = verdict.qualities["exact"]
    inexact = verdict.qualities.total() - exact
    if (exact, inexact) != (scenario.exact, scenario.inexact):
        found = ", ".join(f"{count} {quality}" for quality, count in verdict.qualities.items()) or "nothing"
        losses.append(f"expected {scenario.exact} exact and {scenario.inexact} inexact, found {found}")
    return Measured(scenario.key, dict(verdict.qualities), tuple(losses))


def tables(measured: Mapping[str, Measured]) -> str:
    """The generated part of the page."""
    scenarios = load()
    total = Counter[str]()
    for scenario in scenarios:
        total.update(measured[scenario.key].qualities)
    known, hidden = sum(s.exact for s in scenarios), sum(s.inexact for s in scenarios)
    lines = [
        f"{len(scenarios)} scenarios, {known + hidden} billed requests. {known} can be known from what the provider "
        f"sends: **{total['exact']} of {known} are exact**. {hidden} cannot: {total['partial']} of them are partial, "
        f"{total['estimated']} estimated, {total['missing']} missing. None is silent, none counted twice.",
        "",
        "Measured with " + ", ".join(f"{name} {version(name)}" for name in PACKAGES) + ".",
    ]
    for sdk in dict.fromkeys(scenario.sdk for scenario in scenarios):
        lines += ["", f"### {sdk}", "", *_table([s for s in scenarios if s.sdk == sdk], measured)]
    return "\n".join(lines)


def _table(scenarios: Iterable[Scenario], measured: Mapping[str, Measured]) -> Iterable[str]:
    yield "| what the application does | mode | exact | partial | estimated | missing | why not exact |"
    yield "|---|---|--:|--:|--:|--:|---|"
    rows: dict[tuple[str, ...], list[str]] = {}
    for scenario in scenarios:
        counts = measured[scenario.key].qualities
        cells = (str(counts.get(quality) or "") for quality in QUALITIES)
        rows.setdefault((scenario.name, *cells, scenario.why), []).append(scenario.mode)
    for (name, *told), modes in rows.items():
        yield f"| {name} | {', '.join(modes)} | {' | '.join(told)} |"


def written() -> str:
    """The generated part of the page as it stands in the repository."""
    return PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0].strip()


def _write(content: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    head, _, rest = page.partition(BEGIN)
    PAGE.write_text(f"{head}{BEGIN}\n\n{content}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")


def main(arguments: list[str]) -> int:
    words = [word for word in arguments if not word.startswith("--")]
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    with opened(instrumented="--off" not in arguments) as world:
        chosen = [s for s in load(*([APART] if "--apart" in arguments else [])) if all(word in s.key for word in words)]
        measured = {s.key: measure(world, s) for s in chosen}
    if "--json" in arguments:
        print(json.dumps([asdict(one) for one in measured.values()], ensure_ascii=False))
        return 0
    for one in measured.values():
        told = ", ".join(f"{one.qualities[quality]} {quality}" for quality in QUALITIES if quality in one.qualities)
        print(f"{'LOSS' if one.losses else 'ok  '} {one.key}: {told}", *one.losses, sep="\n       ")
    lost = sum(bool(one.losses) for one in measured.values())
    print(f"{len(measured)} scenarios, {lost} with losses")
    if "--write" in arguments and not words:
        _write(tables(measured))
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
