"""S6, S7 and the age of the price table, both verdicts."""

from datetime import date
from email.utils import formatdate
from typing import Any

import httpx
import pytest
from tests.unit.doctor.answers import api, silent

from everytoken.catalog import library
from everytoken.doctor.api import Api
from everytoken.doctor.times import check_price_age, check_times

NOW_S = 1_795_348_800.0
TODAY = date(2026, 11, 23)


def at(server_s: float | None) -> Api:
    headers = {} if server_s is None else {"date": formatdate(server_s, usegmt=True)}
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, json={}, headers=headers))
    return Api(httpx.Client(transport=transport), "http://127.0.0.1:8700")


def verdicts(asked: Api, **counters: int) -> list[tuple[str, str]]:
    return [(one.id, one.verdict) for one in check_times(asked, counters, lambda: NOW_S)]


@pytest.mark.parametrize(("ahead_s", "verdict"), [(0, "ok"), (5, "ok"), (-5, "ok"), (6, "problem"), (-3600, "problem")])
def test_clocks_may_differ_by_seconds(ahead_s: float, verdict: str) -> None:
    assert verdicts(at(NOW_S + ahead_s), settle_lag_ms=0)[0] == ("S6", verdict)


def test_the_evidence_says_which_clock_is_behind() -> None:
    skew, _lag = check_times(at(NOW_S - 90), {}, lambda: NOW_S)
    assert skew.evidence == "the server is 90 s behind"
    assert skew.cure


def test_without_a_time_or_an_answer_clocks_are_not_compared() -> None:
    assert verdicts(at(None))[0] == ("S6", "skipped")
    assert verdicts(silent())[0] == ("S6", "unknown")


@pytest.mark.parametrize(
    ("counters", "verdict"),
    [({"settle_lag_ms": 250}, "ok"), ({"settle_lag_ms": 10_001}, "problem"), ({}, "skipped")],
)
def test_settlement_may_take_seconds(counters: dict[str, int], verdict: str) -> None:
    assert verdicts(at(NOW_S), **counters)[1] == ("S7", verdict)


def test_a_ledger_that_refuses_is_named_as_the_cause() -> None:
    lag = check_times(at(NOW_S), {"settle_lag_ms": 60_000, "ledger_failures": 3}, lambda: NOW_S)[1]
    assert lag.cause == "The ledger refused 3 flushes; what is acknowledged waits in the journal."


def prices(*rows: dict[str, Any]) -> Api:
    return api({"/prices": {"prices": list(rows)}})


def override(checked: str) -> dict[str, Any]:
    return {"provider": "openai", "model": "house", "source": "override:prices.toml", "checked": checked}


def test_an_override_is_looked_at_again_after_half_a_year() -> None:
    assert [one.verdict for one in check_price_age(prices(override("2026-05-27")), TODAY)] == ["ok"]
    found = check_price_age(prices(override("2026-05-26"), override("2026-11-01")), TODAY)
    assert [one.verdict for one in found] == ["problem", "ok"]
    assert found[0].evidence == "1 overrides, the oldest openai/house checked 2026-05-26"


def test_a_price_list_without_a_change_for_months_is_old() -> None:
    (young,) = check_price_age(prices(), TODAY)
    # The latest dated price of genai-prices 0.2.3 holds from 2026-11-09 on.
    assert (young.verdict, young.evidence) == (
        "ok", f"{library.SOURCE}, the latest dated change 2026-11-09 (14 days ago)",
    )  # fmt: skip
    (old,) = check_price_age(prices(), date(2028, 1, 1))
    assert old.verdict == "problem"


def test_another_list_on_the_server_is_not_judged_by_ours() -> None:
    row = {"provider": "openai", "model": "gpt-5.2", "source": "genai-prices 9.9.9", "checked": None}
    (found,) = check_price_age(prices(row), TODAY)
    assert (found.verdict, "genai-prices 9.9.9" in found.evidence) == ("skipped", True)


def test_a_server_without_the_prices_route_could_not_be_checked() -> None:
    assert [one.verdict for one in check_price_age(api({}), TODAY)] == ["unknown"]
