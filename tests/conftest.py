"""What holds for all tests: no timed verdicts on shared machines, Ctrl-C as in a terminal, and browser tests last."""

import signal

import pytest
from hypothesis import HealthCheck, settings

# A loaded machine is not a wrong answer: neither a slow example nor slow generation fails a law.
settings.register_profile("shared-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared-machine")
# A shell's background job ignores Ctrl-C and hands that on to every program it starts; a terminal's does not.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=12, help="kill -9 in tests/store/test_crash.py; the full run is 50")
    parser.addoption("--seed", type=int, default=None, help="seed of tests/store/test_crash.py, printed by each run")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests go last: Playwright's event loop stays open to the end, and no other may run beside it."""
    items.sort(key=lambda item: "/tests/ui/" in item.path.as_posix())
