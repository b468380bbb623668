"""The table of scenarios: each a way of calling the current SDKs, and what can be known of what it bills."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.recorded.world import World

Action = Callable[["World"], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One row."""

    sdk: str
    name: str
    """What the application does, in words."""
    action: Action
    exact: int
    """Billed requests whose usage stands in the answer."""
    inexact: int
    """Billed requests of which the provider never tells the usage: at best partial or estimated, at least missing."""
    why: str
    """Why those cannot be exact; empty where there are none."""
    unknown: frozenset[str]
    """Classes of the bill that stand nowhere in the answer."""

    @property
    def is_async(self) -> bool:
        return inspect.iscoroutinefunction(self.action)

    @property
    def mode(self) -> str:
        return "async" if self.is_async else "sync"

    @property
    def key(self) -> str:
        return f"{self.sdk}: {self.name} ({self.mode})"


SCENARIOS: list[Scenario] = []


def scenario(
    sdk: str, name: str, *, exact: int | None = None, inexact: int = 0, why: str = "", unknown: tuple[str, ...] = ()
) -> Callable[[Action], Action]:
    """Put a function that takes a `World` into the table. Where nothing is said, one request is billed and exact.

    Raises:
        ValueError: an inexact request without its reason.
    """
    if (inexact or unknown) and not why:
        raise ValueError(f"{sdk}: {name}: say why it cannot be exact")

    def add(action: Action) -> Action:
        SCENARIOS.append(
            Scenario(
                sdk=sdk,
                name=name,
                action=action,
                exact=exact if exact is not None else 0 if inexact else 1,
                inexact=inexact,
                why=why,
                unknown=frozenset(unknown),
            )
        )
        return action

    return add
