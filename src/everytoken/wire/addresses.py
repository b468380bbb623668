"""LangSmith's addresses: an agent in an environment, named in place of a project (langsmith 0.15, `_addressing.py`)."""

import re
from typing import Any

_AGENT = re.compile(r"lrn:agents/([^/]+)/environments/([^/]+)")


def read_address(value: Any) -> str:
    """The project that an address in a run names.

    Raises:
        ValueError: it is no address.
    """
    found = _AGENT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("must be lrn:agents/<id>/environments/<environment>")
    return agent_project(*found.groups())


def agent_project(agent_id: str, environment: str) -> str:
    return f"{agent_id}-{environment.lower()}"
