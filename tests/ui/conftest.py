"""One server with real data and one browser for all tests of the page."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from langsmith import Client
from playwright.sync_api import BrowserContext, Page
from tests.ports import free_port
from tests.ui.browser import WIDE, chromium, watch
from tests.ui.reference import REFERENCE, now, send

from everytoken.cli.processes import running

STATIC = Path(__file__).parents[2] / "src/everytoken/server/static/index.html"
PROJECT = "eco2-chat"


@dataclass(frozen=True)
class Site:
    """A running server, and the client that sends to it."""

    url: str
    client: Client

    def settle(self) -> None:
        """Return when everything sent is visible to reads."""
        self.client.flush()
        httpx.post(f"{self.url}/everytoken/v1/flush", timeout=30).raise_for_status()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.parent == here:
            item.add_marker("browser")
            item.add_marker("alone")


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2.0).is_success
    except httpx.HTTPError:
        return False


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Site]:
    assert STATIC.is_file(), "the page is not built: run `make ui`"
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = ["everytoken.cli", "serve", "--port", str(port), "--data", str(folder / "data")]
    with running("the server", command, log=folder / "server.log", ready=lambda: answers(f"{url}/ok")):
        client = Client(api_url=url, api_key="local")
        yield Site(url=url, client=client)
        client.flush()


@pytest.fixture
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Site]]:
    """Starts a server of its own for a test that wants an empty one."""
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(serving(tmp_path_factory.mktemp("site")))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture(scope="session")
def trace_id(site: Site) -> str:
    """The reference trace, finished a minute ago."""
    sent = send(site.client, PROJECT, REFERENCE, began=now() - timedelta(minutes=1))
    site.settle()
    return sent


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    with chromium(tmp_path_factory.mktemp("profile")) as context:
        yield context


@pytest.fixture
def anywhere(browser: BrowserContext) -> Iterator[Page]:
    """A fresh page, English and in the system's theme, that may visit any server."""
    page = browser.new_page()
    page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
    yield page
    page.close()


@pytest.fixture
def page(anywhere: Page, site: Site) -> Iterator[Page]:
    """A fresh page of the shared server. Afterwards: nothing failed in it, and it asked nobody else."""
    troubles = watch(anywhere, site.url)
    yield anywhere
    anywhere.evaluate("localStorage.clear()")
    assert troubles == []
