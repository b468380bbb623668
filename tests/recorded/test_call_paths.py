"""The tables of call paths in the docs are those of the code, and every integration has its page."""

import pytest
from tests.recorded.call_paths import PAGES, expected, written

from everytoken.instrument.session import INTEGRATIONS

PAGE_OF = {
    "openai": "openai.md",
    "google.genai": "google-genai.md",
    "agents": "openai-agents.md",
    "langchain_core": "langchain.md",
}


@pytest.mark.parametrize("page", sorted(expected()))
def test_the_page_shows_the_table_of_the_code(page: str) -> None:
    assert written(page) == expected()[page], "renew it: python -m tests.recorded.call_paths --write"


def test_every_integration_has_a_page_that_names_what_is_patched() -> None:
    for module, (package, _) in INTEGRATIONS.items():
        assert module in (PAGES / PAGE_OF[package]).read_text(encoding="utf-8"), module
