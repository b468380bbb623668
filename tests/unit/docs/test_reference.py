"""The reference is what the code says: every setting, every public name."""

import re

import pytest
from tests.unit.docs.reference import PAGES, expected, public_names, settings_table, written

from everytoken.config import Settings
from everytoken.instrument.settings import TABLE


@pytest.mark.parametrize(("page", "part"), expected())
def test_the_page_shows_what_the_code_says(page: str, part: str) -> None:
    assert written(page, part) == expected()[page, part], "renew it: python -m tests.unit.docs.reference --write"


def test_every_setting_has_a_sentence_that_ends_and_no_two_share_a_variable_by_accident() -> None:
    told = {name: field.description or "" for name, field in Settings.model_fields.items()}
    told |= {setting.name: setting.sentence for setting in TABLE}
    assert [name for name, sentence in told.items() if not sentence.rstrip().endswith((".", ".`"))] == []
    assert set(Settings.model_fields) & {setting.name for setting in TABLE} == set()


def test_every_public_name_says_what_it_does() -> None:
    assert [name for name, value in public_names() if not (value.__doc__ or "").strip()] == []


def test_a_table_row_is_a_variable_its_default_and_its_meaning() -> None:
    row = settings_table([("EVERYTOKEN_X", "`1`", "One | of\n  two.")]).splitlines()[-1]
    assert row == "| `EVERYTOKEN_X` | `1` | One \\| of two. |"


def test_every_variable_that_any_page_names_exists() -> None:
    known = {f"EVERYTOKEN_{name.upper()}" for name in Settings.model_fields} | {setting.variable for setting in TABLE}
    known |= {"EVERYTOKEN_STRICT", "EVERYTOKEN_API_KEY"}
    docs = PAGES.parent
    named = {
        (page.name, found)
        for page in [*docs.rglob("*.md"), *docs.parent.glob("*.md")]
        if "node_modules" not in page.parts
        for found in re.findall(r"EVERYTOKEN_[A-Z_]*[A-Z]\b", page.read_text(encoding="utf-8"))
    }
    assert {(page, name) for page, name in named if name not in known} == set()
