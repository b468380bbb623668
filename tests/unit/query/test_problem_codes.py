"""The codes of problems: each has a meaning, and the page has a sentence for each in both languages."""

import re
from pathlib import Path

import pytest

from everytoken.query.cures import CURES
from everytoken.query.problem_codes import CODES, MEANINGS, code_of_missing, code_of_status

WORDS = Path(__file__).parents[3] / "ui/src/i18n"


def test_every_code_has_a_meaning_of_its_own() -> None:
    assert list(MEANINGS) == sorted(CODES) == list(CODES)
    assert len(set(MEANINGS.values())) == len(CODES)


@pytest.mark.parametrize("language", ["En", "Ko"])
def test_the_page_has_a_sentence_for_every_code_and_for_no_other(language: str) -> None:
    text = (WORDS / "problems.ts").read_text("utf-8")
    block = re.search(rf"export const problems{language}\b[^{{]*\{{\n(.*?)\n\}};", text, re.DOTALL)
    assert block is not None
    assert re.findall(r"^  (\w+):", block[1], re.MULTILINE) == list(CODES)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_page_has_a_sentence_for_every_cause_of_a_missing_number(language: str) -> None:
    text = (WORDS / f"{language}.ts").read_text("utf-8")
    block = re.search(r"^  causes: \{\n(.*?)\n  \},", text, re.DOTALL | re.MULTILINE)
    assert block is not None
    assert set(re.findall(r"^    (\w+):", block[1], re.MULTILINE)) == set(CURES)


def test_an_answer_that_says_only_its_status_has_a_code_too() -> None:
    told = [code_of_status(status) for status in (400, 401, 405, 418, 422, 500, 503, 507)]
    assert told == [
        *("request_wrong", "key_needed", "method_wrong", "request_wrong"),
        *("request_wrong", "server_failed", "busy", "server_failed"),
    ]


def test_what_was_not_found_is_told_from_the_field_that_named_it() -> None:
    assert code_of_missing("query.project") == "project_not_found"
    assert code_of_missing("path.trace_id") == "trace_not_found"
    assert code_of_missing("path.run_id") == "run_not_found"
    assert code_of_missing("path.key_id") == "not_found"
