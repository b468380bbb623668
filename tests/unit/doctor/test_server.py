"""S1–S5 and P4: the server's own checks, both verdicts."""

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.doctor.answers import api, charge, server, silent

from everytoken.config import Settings
from everytoken.doctor.api import Api
from everytoken.doctor.finding import Finding
from everytoken.doctor.server import check_server

GIB = 1024**3
TODAY = date(2026, 11, 23)


def checks(asked: Api, folder: Path = Path("/nowhere"), free: int = 10 * GIB) -> list[Finding]:
    return check_server(asked, Settings(data=folder), usage=lambda _folder: SimpleNamespace(free=free), today=TODAY)


def check(check_id: str, answers: dict[str, Any]) -> list[str]:
    return [finding.verdict for finding in checks(api(answers)) if finding.id == check_id]


def test_a_server_in_order_passes(tmp_path: Path) -> None:
    findings = checks(api(server()), tmp_path)
    assert [(finding.id, finding.verdict) for finding in findings] == [
        ("S1", "ok"), ("S2", "ok"), ("S3", "ok"), ("S3", "ok"), ("S4", "ok"), ("S6", "skipped"), ("S7", "ok"),
        ("S5", "ok"), ("P2", "ok"), ("P4", "ok"), ("P4", "ok"),
    ]  # fmt: skip
    assert findings[7].evidence == "1 calls, 59 tokens, $0.00025025"


def test_a_server_that_does_not_answer_could_not_be_checked() -> None:
    (finding,) = checks(silent())
    assert (finding.id, finding.verdict) == ("S1", "unknown")
    assert finding.cure == "everytoken serve   # or: doctor --url URL"


def test_a_full_disk_is_a_problem(tmp_path: Path) -> None:
    (finding,) = [one for one in checks(api(server()), tmp_path, free=GIB // 2) if one.id == "S2"]
    assert finding.verdict == "problem"
    assert finding.evidence == f"0.5 GiB free at {tmp_path}"


def test_the_disk_of_another_machine_is_not_ours_to_see(tmp_path: Path) -> None:
    findings = checks(api(server(), "http://everytoken.example:8700"), tmp_path)
    assert [finding.verdict for finding in findings if finding.id == "S2"] == ["skipped"]


@pytest.mark.parametrize("flush", [503, {"flushed": True, "waited_ms": 6_000.0}])
def test_a_journal_that_lags_is_a_problem(flush: object) -> None:
    assert check("S3", server() | {"/flush": flush}) == ["problem", "ok"]


def test_what_was_dropped_is_a_problem() -> None:
    answers = server()
    answers["/health"]["counters"]["dropped"] = 3
    assert check("S3", answers) == ["ok", "problem"]


def test_another_schema_is_a_problem() -> None:
    answers = server()
    answers["/health"]["schema_version"] = 2
    assert check("S4", answers) == ["problem"]


def test_charges_that_do_not_add_up_are_a_problem() -> None:
    answers = server() | {"/charges": {"charges": [charge(), charge(charge_key="c2")], "next": None}}
    (finding,) = [one for one in checks(api(answers)) if one.id == "S5"]
    assert finding.verdict == "problem"
    assert "charges.llm_calls 2 ≠ summary 1" in finding.evidence


def test_a_view_that_does_not_add_up_is_a_problem() -> None:
    assert check("S5", server() | {"/projects/shop/models": {"models": []}}) == ["problem"]


def test_charges_are_added_up_over_all_pages() -> None:
    answers = server()
    answers["/charges"] = [{"charges": [charge()], "next": "more"}, {"charges": [], "next": None}]
    assert check("S5", answers) == ["ok"]


def test_an_estimate_and_an_unpriced_call_stay_outside_as_in_the_views() -> None:
    answers = server()
    estimate = charge(charge_key="c2", quality="estimated", cost_usd=None, cost_status="unpriced")
    answers["/charges"] = {"charges": [charge(), estimate], "next": None}
    both = {**answers["/projects/shop/summary"], "llm_calls": 2, "unpriced_calls": 1}
    answers |= {"/projects/shop/summary": both, "/projects/shop/models": {"models": [both]}}
    assert check("S5", answers) == ["ok"]


def test_a_model_without_a_price_is_a_problem() -> None:
    answers = server()
    cause = {"kind": "price", "code": "model_unknown", "calls": 4, "models": ["gpt-9"], "text": "In no table."}
    answers["/projects/shop/coverage"]["paths"][0]["causes"] = [cause]
    finding = next(one for one in checks(api(answers)) if one.id == "P4")
    assert finding.verdict == "problem"
    assert finding.evidence == "shop: gpt-9, 4 calls on openai.chat (model_unknown)"
    assert finding.cure == "everytoken prices missing --url http://127.0.0.1:8700 --project shop"


def test_a_view_that_fails_is_unknown_not_well() -> None:
    assert check("S5", server() | {"/projects/shop/models": 500}) == ["unknown"]
