"""`everytoken.budget()`: what is set aside before a call, what it comes to, and who is stopped."""

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
import openai
import pytest
from langsmith.run_helpers import tracing_context

import everytoken
from everytoken.instrument.budget import BUDGETS, Budget

from .conftest import Sent
from .test_openai import COMPLETION, MESSAGES, Handler, client_of

PRICED = {**COMPLETION, "usage": {"prompt_tokens": 1_000, "completion_tokens": 1_000, "total_tokens": 2_000}}
COST = Decimal("0.0125")
"""gpt-4o: $2.50 and $10 for a million tokens, https://openai.com/api/pricing, read 2026-11: 1,000 of each."""
ESTIMATE = Decimal("0.01004")
"""The request is 65 bytes of JSON, 16 tokens at $2.50; the answer is taken for 1,000 tokens at $10."""


def answered(request: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200, json=PRICED)


def call(handler: Handler = answered, model: str = "gpt-4o", **more: Any) -> None:
    client_of(handler, max_retries=0).chat.completions.create(model=model, messages=MESSAGES, **more)


@pytest.fixture(autouse=True)
def _no_budget_is_left() -> Iterator[None]:
    yield
    for budget in list(BUDGETS):
        budget.remove()


def spent(budget: Budget) -> Decimal:
    everytoken.flush(5)
    return budget.spent_usd


def test_a_call_costs_what_its_usage_comes_to(sent: Sent) -> None:
    budget = everytoken.budget(usd="1")
    call()
    assert spent(budget) == COST
    assert budget.unpriced_calls == 0


def test_the_call_that_would_pass_the_limit_is_not_made(sent: Sent) -> None:
    everytoken.budget(usd="0.02")
    requests = 0

    def counting(request: httpx2.Request) -> httpx2.Response:
        nonlocal requests
        requests += 1
        return answered(request)

    call(counting)
    everytoken.flush(5)
    with pytest.raises(everytoken.BudgetExceeded, match=r"a budget of \$0\.02 per day would come to \$0\.0225"):
        call(counting)
    assert requests == 1
    assert len(sent.charges) == 1


def test_a_warning_lets_the_call_through_and_is_logged(sent: Sent, caplog: pytest.LogCaptureFixture) -> None:
    budget = everytoken.budget(usd=0, on_exceed="warn")
    with caplog.at_level(logging.WARNING, "everytoken"):
        call()
    assert "a budget of $0 per day would come to $0.0100" in caplog.text
    assert spent(budget) == COST


def test_a_function_is_told_the_budget_and_the_sum_and_may_stop_the_call(sent: Sent) -> None:
    told: list[tuple[Budget, Decimal]] = []

    def stop(budget: Budget, after: Decimal) -> None:
        told.append((budget, after))
        if len(told) == 2:
            raise everytoken.BudgetExceeded("enough")

    budget = everytoken.budget(usd=0, on_exceed=stop)
    call()
    everytoken.flush(5)
    with pytest.raises(everytoken.BudgetExceeded, match="enough"):
        call()
    assert [one is budget for one, _ in told] == [True, True]
    assert told[1][1] - told[0][1] == COST  # the first is spent by then
    assert spent(budget) == COST  # what the second had set aside is given back
    call()
    assert spent(budget) == 2 * COST
    assert told[2][1] == told[1][1]  # nothing of the call that was not made stands in the sum


def test_a_function_that_fails_leaves_the_call_counted(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVERYTOKEN_STRICT", "0")

    def faulty(budget: Budget, after: Decimal) -> None:
        raise KeyError("of the application")

    budget = everytoken.budget(usd=0, on_exceed=faulty)
    call()
    assert spent(budget) == COST
    assert [charge.quality for charge in sent.charges] == ["exact"]


def test_each_limit_is_for_its_own_project_user_node_and_tag(sent: Sent) -> None:
    ours = {
        "project": everytoken.budget(usd=9, project="shop"),
        "user": everytoken.budget(usd=9, user="u-1"),
        "node": everytoken.budget(usd=9, node="answer"),
        "tag": everytoken.budget(usd=9, tag="batch"),
        "both": everytoken.budget(usd=9, user="u-1", tag="batch"),
    }
    call()
    with tracing_context(project_name="shop"):
        call()
    with everytoken.context(user_id="u-1"):
        call()
    with everytoken.context(metadata={"langgraph_node": "answer"}):
        call()
    with everytoken.context(tags=["batch", "x"]):
        call()
    with everytoken.context(user_id="u-1", tags=["batch"]):
        call()
    everytoken.flush(5)
    calls = {name: budget.spent_usd / COST for name, budget in ours.items()}
    assert calls == {"project": 1, "user": 2, "node": 1, "tag": 2, "both": 1}


def test_a_new_day_in_seoul_begins_at_three_in_the_afternoon_utc(sent: Sent) -> None:
    now = datetime(2026, 11, 23, 14, 59, 59, tzinfo=UTC)  # 23:59:59 in Seoul
    budget = Budget(Decimal("0.02"), "day", ZoneInfo("Asia/Seoul"), "raise", {}, clock=lambda: now)
    BUDGETS.add(budget)
    call()
    assert spent(budget) == COST
    with pytest.raises(everytoken.BudgetExceeded):
        call()
    now = datetime(2026, 11, 23, 15, 0, 0, tzinfo=UTC)  # 00:00 of the 24th in Seoul
    assert spent(budget) == 0
    call()
    assert spent(budget) == COST


def test_a_call_over_midnight_counts_for_the_day_it_began_in(sent: Sent) -> None:
    now = datetime(2026, 11, 23, 14, 59, 59, tzinfo=UTC)
    budget = Budget(Decimal(1), "day", ZoneInfo("Asia/Seoul"), "raise", {}, clock=lambda: now)
    BUDGETS.add(budget)

    def slow(request: httpx2.Request) -> httpx2.Response:
        nonlocal now
        now = datetime(2026, 11, 23, 15, 0, 1, tzinfo=UTC)
        return answered(request)

    call(slow)
    assert spent(budget) == 0
    now = datetime(2026, 11, 23, 14, 0, 0, tzinfo=UTC)
    assert spent(budget) == COST


def test_threads_at_once_never_pass_the_limit_by_what_is_in_flight(sent: Sent) -> None:
    """Ten calls of an estimated cent at once, and room for four: the other six are stopped before they are made."""
    everytoken.budget(usd="0.045")
    together, made = threading.Barrier(10), threading.Semaphore(0)
    in_flight = threading.Event()

    def slow(request: httpx2.Request) -> httpx2.Response:
        made.release()
        assert in_flight.wait(20)
        return answered(request)

    def one(_: int) -> bool:
        together.wait(20)
        try:
            call(slow)
        except everytoken.BudgetExceeded:
            return False
        return True

    with ThreadPoolExecutor(10) as pool:
        tried = [pool.submit(one, number) for number in range(10)]
        for _ in range(4):
            assert made.acquire(timeout=20)
        while sum(one.done() for one in tried) < 6:
            threading.Event().wait(0.005)
        in_flight.set()
        assert sorted(one.result() for one in tried) == [False] * 6 + [True] * 4
    assert ESTIMATE * 4 <= Decimal("0.045") < ESTIMATE * 5


def test_the_answer_s_limit_lowers_the_estimate(sent: Sent) -> None:
    everytoken.budget(usd="0.001")
    with pytest.raises(everytoken.BudgetExceeded):
        call()
    call(max_completion_tokens=50)


def test_a_refused_call_costs_nothing_and_a_lost_one_its_estimate(sent: Sent) -> None:
    budget = everytoken.budget(usd=9)
    with pytest.raises(openai.BadRequestError):
        call(lambda _: httpx2.Response(400, json={"error": {"message": "no"}}))
    assert spent(budget) == 0

    def lost(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadTimeout("too late", request=request)

    with pytest.raises(openai.APITimeoutError):
        call(lost)
    assert spent(budget) == ESTIMATE


def test_a_model_without_a_price_counts_as_nothing_and_is_told(sent: Sent) -> None:
    budget = everytoken.budget(usd=0)
    named = {**PRICED, "model": "my-own-model"}
    call(lambda _: httpx2.Response(200, json=named), model="my-own-model")
    assert (spent(budget), budget.unpriced_calls) == (Decimal(0), 1)


def test_a_budget_per_run_is_for_each_trace_by_itself(sent: Sent) -> None:
    budget = everytoken.budget(usd="0.0125", per="run")
    call()
    call()
    assert spent(budget) == 2 * COST


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"usd": -1}, "a budget is an amount of dollars, not -1"),
        ({"usd": "NaN"}, "a budget is an amount of dollars, not 'NaN'"),
        ({"usd": 1, "per": "week"}, "per must be hour, day, month or run, not 'week'"),
        ({"usd": 1, "tz": "Asia/Nowhere"}, "no time zone 'Asia/Nowhere'"),
        ({"usd": 1, "on_exceed": "stop"}, "on_exceed must be 'raise', 'warn' or a function"),
    ],
)
def test_a_budget_that_is_none_is_refused_with_its_field(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("(", r"\(")):
        everytoken.budget(**wrong)
