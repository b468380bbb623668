"""Every command and every piece of code of the documentation is run, against one server and one simulator."""

import json
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from tests.docs.blocks import DATA, PAGES, SHELL, SHOWN, Block, every_block, name_of
from tests.docs.pages import NOT_RUN, SEED, Outcome, Reader
from tests.docs.stand_in import STAND_INS
from tests.e2e.world import answers
from tests.ports import free_port

from everytoken.cli.processes import running
from everytoken.query.filter.parse import parse

BLOCKS = every_block()
READERS = 3
pytestmark = pytest.mark.timeout(900)  # the first test waits for all pages


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    folder = tmp_path_factory.mktemp("docs")
    url, simulator_url, spare_url = (f"http://127.0.0.1:{free_port()}" for _ in range(3))
    serve = ["everytoken.cli", "serve", "--port", port_of(url), "--data", str(folder / "data")]
    simulate = ["everytoken.cli", "simulator", "--latency", "none", "--port"]
    with (
        running("the server", serve, log=folder / "server.log", ready=lambda: answers(f"{url}/ok")),
        running(
            "the simulator",
            [*simulate, port_of(simulator_url)],
            log=folder / "sim.log",
            ready=lambda: answers(f"{simulator_url}/_ledger"),
        ),
        running(
            "the simulator that fails",
            [*simulate, port_of(spare_url)],
            log=folder / "spare.log",
            ready=lambda: answers(f"{spare_url}/_ledger"),
        ),
    ):
        httpx.post(f"{url}/runs", json=SEED, timeout=30).raise_for_status()
        httpx.post(f"{url}/everytoken/v1/flush", timeout=30).raise_for_status()
        yield Reader(url=url, simulator_url=simulator_url, spare_url=spare_url, folder=folder)


def port_of(url: str) -> str:
    return url.rpartition(":")[2]


@pytest.fixture(scope="module")
def outcomes(reader: Reader) -> dict[str, Outcome]:
    with ThreadPoolExecutor(READERS) as pool:
        return {outcome.page: outcome for outcome in pool.map(reader.read, reader.runnable())}


@pytest.mark.parametrize("page", [name_of(page) for page in PAGES])
def test_what_a_page_tells_to_do_works(page: str, outcomes: dict[str, Outcome]) -> None:
    if page in outcomes:
        assert outcomes[page].code == 0, outcomes[page].log


@pytest.mark.parametrize(
    ("project", "calls"),
    [
        ("tutorial-before", 0),
        ("tutorial-after", 1),
        ("how-to-openai", 4),
        ("how-to-gemini", 2),
        ("how-to-agents", 1),
        ("shop-graph", 2),
        ("spans", 1),
        ("shop-js", 1),
        ("moved", 1),
        ("history", 1),
        ("how-to-from-langfuse", 1),
    ],
)
def test_what_a_page_calls_is_counted_exactly(
    project: str, calls: int, reader: Reader, outcomes: dict[str, Outcome]
) -> None:
    httpx.post(f"{reader.url}/everytoken/v1/flush", timeout=30)
    summary = httpx.get(f"{reader.url}/everytoken/v1/projects/{project}/summary", timeout=30).json()
    assert summary["llm_calls"] == calls
    assert summary["quality"]["exact"] == calls
    assert summary["traces"] >= 1
    assert (summary["total_tokens"] > 0) is (calls > 0)


def test_every_fence_says_what_it_holds() -> None:
    known = SHELL | DATA | SHOWN | {"python", "js"}
    assert [(block.page, block.line, block.language) for block in BLOCKS if block.language not in known] == []


def _read(block: Block) -> Any:
    if block.language == "toml":
        return tomllib.loads(block.text)
    if block.language == "json":
        return json.loads(block.text)
    if block.language == "yaml":
        return list(yaml.safe_load_all(block.text))
    return parse(block.text)


@pytest.mark.parametrize(
    "block", [one for one in BLOCKS if one.language in DATA], ids=lambda one: f"{one.page}:{one.line}"
)
def test_data_can_be_read(block: Block) -> None:
    assert _read(block) is not None


def test_what_is_not_run_is_still_there_and_has_a_reason() -> None:
    text = "\n".join(block.commands for block in BLOCKS if block.language in SHELL)
    assert {start for start in NOT_RUN if start not in text} == set()
    assert len(NOT_RUN) <= 5
    assert all(NOT_RUN.values())
    assert all(play.__doc__ for play in STAND_INS.values())


def test_a_command_that_does_not_exist_is_found(reader: Reader, tmp_path: Path) -> None:
    page = tmp_path / "wrong.md"
    for text in (
        "everytoken serve --prot 1",
        "make mango",
        "kubectl apply -k deploy/k8s/overlays/moon",
        "false | true",
    ):
        page.write_text(f"```sh\n{text}\n```\n")
        place = replace(reader, folder=tmp_path / text.split()[0])
        place.folder.mkdir()
        assert place.read(page).code != 0, text
