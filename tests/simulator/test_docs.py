"""The page on the simulator names every key, class, fault, scenario and path there is."""

from dataclasses import fields
from pathlib import Path

import pytest
from starlette.routing import Route

from everytoken.simulator.app import create_app
from everytoken.simulator.billing import Billed
from everytoken.simulator.faults import KINDS
from everytoken.simulator.scenario import Reply, Scenario, When, shipped_scenarios

PAGE = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text(encoding="utf-8")
NAMES = [
    *(f.name for kind in (When, Reply, Billed) for f in fields(kind)),
    *KINDS,
    *shipped_scenarios(),
]


@pytest.mark.parametrize("name", sorted(set(NAMES)))
def test_page_names(name: str) -> None:
    assert f"`{name}`" in PAGE or f"`{name}:" in PAGE


def test_page_names_every_path() -> None:
    routes = create_app(Scenario(name="empty")).routes
    heads = {"/".join(route.path.split("/{")[0].split("/")[:4]) for route in routes if isinstance(route, Route)}
    assert {head for head in heads if head not in PAGE} == set()
