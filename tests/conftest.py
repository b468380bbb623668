"""What holds for all tests: no timed verdicts on shared machines, and browser tests last."""

import pytest
from hypothesis import HealthCheck, settings

# A loaded machine is not a wrong answer: neither a slow example nor slow generation fails a law.
settings.register_profile("shared-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared-machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests go last: Playwright's event loop stays open to the end, and no other may run beside it."""
    items.sort(key=lambda item: "/tests/ui/" in item.path.as_posix())
