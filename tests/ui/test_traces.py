"""Traces found by filter, facets and strip, kept as views, held still; hostile values stay text."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.ui.conftest import Site
from tests.ui.reference import REFERENCE, now, send

PROJECT = "found"
HOSTILE = "\"),not(eq(name,'x')) <img src=x onerror='window.owned=1'>"


@pytest.fixture(scope="module")
def listed(site: Site) -> str:
    """Ten traces of the last two hours, every fifth failed, and one of a user with a hostile name."""
    began = now()
    for index in range(10):
        send(
            site.client,
            PROJECT,
            replace(REFERENCE, name=f"job-{index}"),
            began=began - timedelta(minutes=10 * index + 5),
            error="RateLimitError: slow down" if index % 5 == 0 else None,
            user="kim" if index < 7 else HOSTILE,
        )
    site.settle()
    return f"{site.url}/projects/{PROJECT}/traces"


def rows(page: Page) -> Locator:
    return page.locator(".list-row")


def filter_of(page: Page) -> Locator:
    return page.get_by_role("combobox", name="Filter")


def test_a_filter_completes_itself_and_is_kept_in_the_address(page: Page, listed: str) -> None:
    page.goto(listed)
    expect(rows(page)).to_have_count(10)
    filter_of(page).click()
    page.keyboard.type("stat")
    offers = page.get_by_role("listbox", name="Suggestions for the filter")
    expect(offers.get_by_role("option").first).to_contain_text("status")
    page.keyboard.press("Tab")
    expect(filter_of(page)).to_have_value("eq(status, ")
    page.keyboard.type("err")
    page.keyboard.press("Tab")
    expect(filter_of(page)).to_have_value('eq(status, "error")')
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(2)
    page.reload()
    expect(filter_of(page)).to_have_value('eq(status, "error")')
    expect(rows(page)).to_have_count(2)
    page.go_back()
    expect(rows(page)).to_have_count(10)


def test_a_fault_is_underlined_where_it_stands_with_the_word_that_was_meant(anywhere: Page, listed: str) -> None:
    anywhere.goto(listed)
    filter_of(anywhere).fill('and(eq(status, "error"), gt(latncy, 2))')
    anywhere.keyboard.press("Enter")
    expect(anywhere.locator(".filter-under u")).to_have_text("latncy")
    expect(anywhere.get_by_role("alert")).to_contain_text("did you mean latency?")
    expect(rows(anywhere)).to_have_count(0)


def test_plain_words_are_a_search(page: Page, listed: str) -> None:
    page.goto(listed)
    filter_of(page).fill("slow down")
    page.keyboard.press("Enter")
    expect(filter_of(page)).to_have_value('search("slow down")')
    expect(rows(page)).to_have_count(2)


def test_facets_count_and_join_the_filter(page: Page, listed: str) -> None:
    page.goto(listed)
    facets = page.get_by_role("complementary", name="Facets")
    facets.get_by_title("Keep only error").click()
    expect(rows(page)).to_have_count(2)
    facets.get_by_title("Keep only kim").click()
    expect(page).to_have_url(re.compile(r"filter=and%28eq%28status"))
    expect(rows(page)).to_have_count(2)
    page.get_by_role("button", name='Remove the condition eq(status, "error")').click()
    expect(rows(page)).to_have_count(7)
    expect(facets.get_by_title("Keep only kim")).to_have_attribute("aria-pressed", "true")


def test_a_hostile_value_is_text_in_facet_and_filter(page: Page, listed: str) -> None:
    page.goto(listed)
    page.get_by_role("complementary", name="Facets").get_by_title(f"Keep only {HOSTILE}").click()
    expect(rows(page)).to_have_count(3)
    assert page.evaluate("window.owned") is None


def test_a_drag_across_the_strip_narrows_time_and_across_cost_the_filter(page: Page, listed: str) -> None:
    page.goto(f"{listed}?range=6h")
    strip = page.get_by_role("slider", name=re.compile("Traces over time"))
    expect(rows(page)).to_have_count(10)
    drag(page, strip, 0.9, 0.99)
    expect(page).to_have_url(re.compile(r"range=\d{13}-\d{13}"))
    page.goto(f"{listed}?range=6h&strip=cost")
    cost = page.get_by_role("slider", name="Traces by Cost")
    expect(cost).to_be_visible()
    cost.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(filter_of(page)).to_have_value(
        re.compile(r"^and\(gte\(total_cost, 0\.01\d+\), lt\(total_cost, 0\.01\d+\)\)$")
    )
    expect(rows(page)).to_have_count(10)


def drag(page: Page, strip: Locator, start: float, end: float) -> None:
    box = strip.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * start, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * end, y, steps=4)
    page.mouse.up()


def test_columns_order_and_row_height_are_kept_in_a_view(page: Page, listed: str) -> None:
    page.goto(listed)
    page.get_by_role("button", name="Columns, order and density").click()
    page.get_by_role("checkbox", name="Thread").check()
    page.get_by_role("checkbox", name="Tags").uncheck()
    page.get_by_role("button", name="Compact").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("columnheader", name="Thread")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Tags")).to_be_hidden()
    page.get_by_role("columnheader", name="Duration").get_by_role("button").click()
    expect(page.get_by_role("columnheader", name="Duration")).to_have_attribute("aria-sort", "descending")
    page.get_by_role("button", name="Views").click()
    page.get_by_label("Save this view as").fill("slowest")
    page.get_by_role("button", name="Save", exact=True).click()
    page.goto(listed)
    page.get_by_role("button", name="Views").click()
    page.get_by_role("button", name="slowest", exact=True).click()
    expect(page).to_have_url(re.compile("sort=-latency"))
    expect(page.get_by_role("columnheader", name="Thread")).to_be_visible()
    expect(rows(page).first).to_have_css("height", "24px")


def test_a_paused_list_counts_what_comes_and_shows_it_when_asked(anywhere: Page, start: Callable[[], Site]) -> None:
    page, site = anywhere, start()
    send(site.client, PROJECT, REFERENCE, began=now() - timedelta(minutes=5))
    site.settle()
    page.goto(f"{site.url}/projects/{PROJECT}/traces")
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Pause new traces").click()
    expect(page).to_have_url(re.compile("live=off"))
    send(site.client, PROJECT, REFERENCE, began=now() - timedelta(minutes=1))
    site.settle()
    page.get_by_role("button", name="↑ 1 new trace").click(timeout=15_000)
    expect(rows(page)).to_have_count(2)
    expect(page).not_to_have_url(re.compile("live=off"))


def test_a_trace_whose_root_never_came_says_so(page: Page, site: Site) -> None:
    orphan = "6a1f2c3e-0000-4000-8000-0000000000aa"
    site.client.create_run(
        "left-alone",
        {"q": "?"},
        "chain",
        project_name="rootless",
        id="6a1f2c3e-0000-4000-8000-0000000000ab",
        trace_id=orphan,
        parent_run_id=orphan,
        dotted_order=f"20261123T000000000000Z{orphan}.20261123T000001000000Z6a1f2c3e-0000-4000-8000-0000000000ab",
        start_time=now() - timedelta(minutes=3),
        end_time=now() - timedelta(minutes=2),
    )
    site.settle()
    page.goto(f"{site.url}/projects/rootless/traces")
    expect(rows(page)).to_contain_text("left-alone")
    expect(rows(page)).to_contain_text("no root yet")


def test_on_a_phone_facets_stand_in_a_drawer(page: Page, listed: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(listed)
    expect(rows(page).first).to_be_visible()
    page.get_by_role("button", name="Show facets").click()
    drawer = page.get_by_role("dialog", name="Facets")
    drawer.get_by_title("Keep only error").click()
    drawer.get_by_role("button", name="Close").click()
    expect(rows(page)).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_figures_of_a_row_explain_themselves_and_give_the_focus_back(page: Page, listed: str) -> None:
    page.goto(listed)
    cost = rows(page).first.get_by_title("Explain this number").last
    cost.focus()
    page.keyboard.press("Enter")
    shown = page.get_by_role("dialog", name="Explain this number")
    # 520 input tokens at $1.75 a million and 741 output tokens at $14.
    for text in ("4 billed requests", "520 input + 741 output = 1,261 tokens", "$0.00091", "$0.010374", "$0.011284"):
        expect(shown).to_contain_text(text)
    page.keyboard.press("Escape")
    expect(shown).to_be_hidden()
    expect(cost).to_be_focused()
    cost.click()
    expect(shown).to_be_visible()
    cost.click()
    expect(shown).to_be_hidden()
    expect(page).to_have_url(listed)


def search_of(page: Page) -> Locator:
    return page.get_by_label("Search in runs")


def test_a_text_is_found_in_runs_marked_and_opened_where_it_stands(page: Page, listed: str) -> None:
    page.goto(listed)
    search_of(page).fill("페트병 분리수거함")
    page.keyboard.press("Enter")
    hits = page.get_by_role("list", name="Runs found").get_by_role("listitem")
    # Fifty at once of ten traces with eleven runs each, all of which carry the question.
    expect(hits).to_have_count(50)
    expect(hits.first.locator("mark")).to_have_text("페트병 분리수거함")
    expect(page.locator(".hits-head")).to_contain_text("50+ runs hold it")
    expect(page).to_have_url(re.compile("q="))
    page.get_by_role("button", name="Search further back").click()
    expect(hits).to_have_count(100)
    page.reload()
    expect(hits).to_have_count(50)
    expect(search_of(page)).to_have_value("페트병 분리수거함")
    hits.first.get_by_role("link").click()
    expect(page).to_have_url(re.compile(r"/traces/[0-9a-f-]{36}\?.*run="))
    page.go_back()
    expect(hits).to_have_count(50)
    search_of(page).press("Escape")
    expect(rows(page)).to_have_count(10)


def test_a_search_that_finds_nothing_or_fails_says_so(page: Page, listed: str) -> None:
    page.goto(f"{listed}?q=nobody-wrote-this&filter=eq(status,%22error%22)")
    expect(page.get_by_role("heading", name="No run holds “nobody-wrote-this”")).to_be_visible()
    page.get_by_role("button", name="End the search").last.click()
    expect(rows(page)).to_have_count(2)  # the filter was kept
    partly = {"text": "x", "hits": [], "searched_from_us": 1_700_000_000_000_000, "complete": False, "next": "c"}
    page.route("**/everytoken/v1/search*", lambda route: route.fulfill(json=partly))
    page.goto(f"{listed}?q=slow")
    expect(page.get_by_role("heading", name="Not found so far: “slow”")).to_be_visible()
    expect(page.get_by_role("button", name="Search further back")).to_be_visible()


def test_hostile_text_is_found_and_stays_text(page: Page, listed: str) -> None:
    page.goto(f"{listed}?q={quote(HOSTILE)}")
    expect(page.get_by_role("listitem").first).to_contain_text("onerror")
    assert page.evaluate("window.owned") is None


def test_strip_and_facets_that_fail_say_so_and_come_back_when_asked_again(anywhere: Page, listed: str) -> None:
    page = anywhere
    problem = {"error": "the read was stopped after 10 s", "code": "read_slow", "field": None, "hint": None}
    for part in ("facets", "distributions"):
        page.route(f"**/{part}?*", lambda route: route.fulfill(status=400, json=problem))
    page.goto(listed)
    expect(rows(page)).to_have_count(10)
    told = page.locator(".failed-part")
    expect(told).to_have_count(2)
    expect(told.first).to_contain_text("Reading this took too long and was stopped. Choose a shorter range.")
    expect(told.first).to_contain_text("the read was stopped after 10 s")
    page.unroute_all()
    for _ in range(2):
        told.first.get_by_role("button", name="Try again").click()
    expect(told).to_have_count(0)
    expect(page.locator(".facets summary").first).to_be_visible()
