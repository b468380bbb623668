"""What holds for all tests: no timed verdicts on shared machines, Ctrl-C as in a terminal, who may have a neighbour.

`make test` runs two stages (`tests/stages.py`); `pytest` by itself runs everything in one process, browser tests last.
"""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from tests.stages import STAGES

# A loaded machine is not a wrong answer: neither a slow example nor slow generation fails a law.
settings.register_profile("shared-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared-machine")
# A shell's background job ignores Ctrl-C and hands that on to every program it starts; a terminal's does not.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=50, help="kill -9 in tests/store/test_crash.py")
    parser.addoption("--seed", type=int, default=None, help="seed of tests/store/test_crash.py, printed by each run")
    parser.addoption("--stage", choices=STAGES, help="of `make test`: with the marker `alone` or without")
    parser.addoption("--account", type=Path, help="write which tests were wanted and which ran, as JSON")


def pytest_configure(config: pytest.Config) -> None:
    if config.option.account and not _is_worker():
        config.pluginmanager.register(Account(config.option.account), "account")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """Browser tests go last: Playwright's event loop stays open to the end, and no other may run beside it."""
    yield
    items.sort(key=lambda item: "/tests/ui/" in item.path.as_posix())
    account = config.pluginmanager.get_plugin("account")
    if account:
        account.wanted = [item.nodeid for item in items]
    if config.option.stage:
        by_stage: dict[str, list[pytest.Item]] = {stage: [] for stage in STAGES}
        for item in items:
            by_stage["alone" if item.get_closest_marker("alone") else "together"].append(item)
        items[:] = by_stage.pop(config.option.stage)
        config.hook.pytest_deselected(items=[item for others in by_stage.values() for item in others])


class Account:
    """Which tests were wanted before the stage was looked at, and which ran. Two processes know only what ran."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.wanted: list[str] = []
        self.ran: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "setup":
            self.ran.append(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        self.path.write_text(json.dumps({"wanted": self.wanted, "ran": self.ran}))


def _is_worker() -> bool:
    return "PYTEST_XDIST_WORKER" in os.environ
