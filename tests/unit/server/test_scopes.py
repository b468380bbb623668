"""What a path asks for, however it is written."""

import pytest

from everytoken.server import scopes
from everytoken.server.scopes import ADMIN, ADMIN_ALL, MAX_PATH, READ, Policy

PROJECTS = "/everytoken/v1/projects/"


def test_a_path_asks_for_what_its_line_of_the_table_says() -> None:
    policy = Policy([])
    assert policy.need("GET", f"{PROJECTS}shop/summary") == READ
    assert policy.need("DELETE", f"{PROJECTS}shop/users/kim/data") == ADMIN
    assert policy.need("DELETE", f"{PROJECTS}{'p' * (MAX_PATH - len(PROJECTS) - 15)}/users/kim/data") == ADMIN


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_longer_path_is_the_administrators_and_no_pattern_looks_at_it(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of 60 KB takes half a second of some of them."""
    monkeypatch.setattr(scopes, "declared", lambda *_: pytest.fail("a pattern looked at it"))
    assert Policy([]).need(method, PROJECTS + "/users/" * 9_000) == ADMIN_ALL
