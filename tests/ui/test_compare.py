"""Two traces beside each other, and two windows of time."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from tests.ui.conftest import Site
from tests.ui.reference import REFERENCE, Step, llm, node, now, send
from tests.ui.test_accessibility import findings

PROJECT = "compared"
# Without the search for places: 47 + 12, 89 + 512 and a longer answer of 256 + 189 tokens.
OTHER = replace(
    REFERENCE,
    children=tuple(
        node("answer", 1420, 1920, llm(1422, 1918, (256, 189), 1540), step=5) if child.name == "answer" else child
        for child in REFERENCE.children
        if child.name != "location"
    ),
)


@pytest.fixture(scope="module")
def pair(site: Site) -> tuple[str, str]:
    first = send(site.client, PROJECT, REFERENCE, began=now() - timedelta(hours=30))
    second = send(site.client, PROJECT, OTHER, began=now() - timedelta(hours=1))
    site.settle()
    return first, second


def cells(page: Page, name: str) -> list[str]:
    row = page.locator(".compare-table tr").filter(has=page.get_by_text(name, exact=True))
    return [text.strip() for text in row.locator("td").all_inner_texts()]


def test_traces_are_aligned_by_node_with_what_changed(page: Page, site: Site, pair: tuple[str, str]) -> None:
    page.goto(f"{site.url}/projects/{PROJECT}/compare?a={pair[0]}&b={pair[1]}")
    expect(page.locator(".compare-table tbody tr")).to_have_count(6)
    answer = cells(page, "answer")
    assert answer[4:7] == ["345", "445", "+100"]
    assert answer[9] == "+$0.0014"  # 100 output tokens at $14 a million
    assert answer[10:] == ["0.40 s", "0.50 s", "+0.10 s"]
    assert cells(page, "location")[1:7] == ["1", "·", "−1", "256", "·", "−256"]
    assert findings(page) == []


def test_the_answers_of_a_node_stand_beside_each_other(page: Page, site: Site, pair: tuple[str, str]) -> None:
    page.goto(f"{site.url}/projects/{PROJECT}/compare?a={pair[0]}&b={pair[1]}")
    page.get_by_role("button", name="answer", exact=True).click()
    expect(page).to_have_url(re.compile("node=answer"))
    expect(page.get_by_role("heading", name="Answers of answer")).to_be_visible()
    expect(page.get_by_text("Both answered the same.")).to_be_visible()


def test_a_trace_is_compared_from_its_page_with_one_that_is_picked(
    page: Page, site: Site, pair: tuple[str, str]
) -> None:
    page.goto(f"{site.url}/projects/{PROJECT}/traces/{pair[0]}")
    page.get_by_role("link", name="Compare").click()
    expect(page.get_by_text("Choose the other trace")).to_be_visible()
    page.get_by_role("button", name="Choose a trace").click()
    page.get_by_role("searchbox", name="Name, question or id").fill(pair[1])
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"b={pair[1]}"))
    expect(page.locator(".compare-table tbody tr")).to_have_count(6)


def test_two_windows_are_split_by_what_changed_the_cost(page: Page, site: Site, pair: tuple[str, str]) -> None:
    page.goto(f"{site.url}/projects/{PROJECT}/compare?by=node")
    expect(page.get_by_role("region", name="Earlier window")).to_contain_text("4 LLM calls")
    expect(page.get_by_role("region", name="Later window")).to_contain_text("3 LLM calls")
    expect(page.get_by_role("row").filter(has_text="location")).to_contain_text("1 → 0")
    page.get_by_role("button", name="Model").click()
    expect(page).to_have_url(re.compile("by=model"))
    assert findings(page) == []


def test_nodes_sort_by_a_column_and_show_their_worst_runs(page: Page, site: Site, pair: tuple[str, str]) -> None:
    page.goto(f"{site.url}/projects/{PROJECT}/nodes?range=7d")
    first = page.locator("tbody tr").first
    expect(first).to_contain_text("web_search")
    page.get_by_role("columnheader", name="p95").get_by_role("button").click()
    page.get_by_role("columnheader", name="p95").get_by_role("button").click()
    expect(page).to_have_url(re.compile("sort=-p95"))
    expect(first).to_contain_text("10 ms")
    page.get_by_role("button", name="answer", exact=True).click()
    worst = page.get_by_role("region", name="Worst runs of answer")
    expect(worst.get_by_role("row").first).to_contain_text("0.50 s")
    assert findings(page) == []
    worst.get_by_role("link").first.click()
    expect(page).to_have_url(re.compile(f"traces/{pair[1]}.*run="))


def test_users_and_threads_sort_and_open(page: Page, site: Site, pair: tuple[str, str]) -> None:
    lone = Step(name="alone", start_ms=0, end_ms=10, children=(llm(0, 9, (5_000, 1), 3),))
    send(site.client, PROJECT, lone, began=now() - timedelta(minutes=9), user="user-8", thread="session-9")
    site.settle()
    page.goto(f"{site.url}/projects/{PROJECT}/users?range=7d&sort=-tokens")
    expect(page.locator("tbody tr").first).to_contain_text("user-7")
    page.goto(f"{site.url}/projects/{PROJECT}/threads?range=7d&sort=tokens")
    page.get_by_role("link", name="session-9").click()
    expect(page).to_have_url(re.compile("threads/session-9"))
