"""Every call path against the simulator's bill: counted once, class by class, and the page says what was measured."""

from collections.abc import Iterator

import pytest
from tests.recorded.matrix import Measured, load, measure, tables, written
from tests.recorded.table import Scenario
from tests.recorded.world import World, opened

SCENARIOS = load()
SDK_WARNINGS = (
    "ignore:deprecated:DeprecationWarning",  # openai, of audio.translations, which applications still call
    "ignore:Unexpected type for token usage:UserWarning",  # langchain-openai, when it joins the usages of two prompts
)
pytestmark = [pytest.mark.filterwarnings(warning) for warning in SDK_WARNINGS]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with opened() as opened_world:
        yield opened_world


@pytest.fixture(scope="module")
def measured() -> dict[str, Measured]:
    """What was measured so far."""
    return {}


def _measured(scenario: Scenario, world: World, measured: dict[str, Measured]) -> Measured:
    if scenario.key not in measured:
        measured[scenario.key] = measure(world, scenario)
    return measured[scenario.key]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.key)
def test_what_is_billed_is_counted_once_and_right(
    scenario: Scenario, world: World, measured: dict[str, Measured]
) -> None:
    assert _measured(scenario, world, measured).losses == ()


def test_the_page_shows_what_is_measured(world: World, measured: dict[str, Measured]) -> None:
    for scenario in SCENARIOS:
        _measured(scenario, world, measured)
    assert written() == tables(measured), "renew it: python -m tests.recorded.matrix --write"


def test_no_two_scenarios_share_a_name() -> None:
    assert len({scenario.key for scenario in SCENARIOS}) == len(SCENARIOS)
