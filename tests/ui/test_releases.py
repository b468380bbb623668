"""Releases in a real browser: flags on the charts, the split, what changed, and since when calls are missing."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.ui.conftest import Site
from tests.ui.reference import Step, llm, node, now, send

PROJECT, BUSY = "released", "released-often"


def one_call(**call: object) -> Step:
    """A trace of one call: 1,000 tokens at $1.75 and 100 at $14 a million, $0.00315."""
    step = replace(llm(2, 900, (1000, 100), 300), **call)  # type: ignore[arg-type] # the caller names a step's fields
    return Step(name="turn", start_ms=0, end_ms=1000, children=(node("answer", 0, 950, step),))


@pytest.fixture(scope="module")
def released(site: Site) -> Site:
    """1.4.0 since thirty hours, 1.4.1 since twenty, 1.4.2 since two; whose second call is silent. And three at once."""
    began = now()
    for hours, release in ((30, "1.4.0"), (20, "1.4.1"), (19, "1.4.0"), (3, "1.4.1"), (2, "1.4.2")):
        send(site.client, PROJECT, one_call(), began=began - timedelta(hours=hours), release=release)
    silent = one_call(reports=False)
    send(site.client, PROJECT, silent, began=began - timedelta(hours=1), release="1.4.2")
    for minutes, release in ((24, "2.0.0"), (20, "2.0.1"), (16, "2.0.2")):
        send(site.client, BUSY, one_call(), began=began - timedelta(minutes=minutes), release=release)
    site.settle()
    return site


def open_page(page: Page, site: Site, path: str, project: str = PROJECT) -> Page:
    page.goto(f"{site.url}/projects/{project}/{path}")
    return page


def flags(place: Page | Locator) -> Locator:
    return place.get_by_role("list", name="Releases that begin here").get_by_role("button")


def panel(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=title)


def test_a_flag_stands_where_a_release_begins_and_tells_since_when_it_makes_calls(page: Page, released: Site) -> None:
    over = panel(open_page(page, released, "overview"), "Cost over time")
    # 1.4.0 made a call in the window, and was there before it.
    expect(flags(over)).to_have_text(["1.4.1", "1.4.2"])
    expect(over.get_by_role("listitem").filter(has_text="A release begins")).to_be_visible()
    told = over.get_by_role("tooltip")
    expect(told).to_have_count(0)
    flags(over).nth(1).focus()
    expect(told).to_be_visible()
    expect(told).to_contain_text(re.compile(r"1\.4\.2 first seen .*\d\d:\d\d:\d\d · 2 calls · .*\$0\.0031"))
    flags(over).first.hover()
    expect(told.first).to_contain_text(re.compile(r"1\.4\.1 first seen .* · 2 calls · \$0\.0063"))
    left, right = (flags(over).nth(index).bounding_box() for index in (0, 1))
    assert left is not None
    assert right is not None
    assert right["x"] > left["x"] + 300
    expect(flags(panel(page, "Latency of calls"))).to_have_text(["1.4.1", "1.4.2"])


def test_releases_that_begin_close_together_are_one_flag_with_their_count(page: Page, released: Site) -> None:
    over = panel(open_page(page, released, "overview", BUSY), "Cost over time")
    expect(flags(over)).to_have_text(["3 releases"])
    flags(over).hover()
    for release in ("2.0.0", "2.0.1", "2.0.2"):
        expect(over.get_by_role("tooltip")).to_contain_text(release)
    # Buckets of a minute: four of sixty apart, they stand apart.
    open_page(page, released, "overview?range=1h", BUSY)
    page.set_viewport_size({"width": 2400, "height": 900})
    expect(flags(over)).to_have_text(["2.0.0", "2.0.1", "2.0.2"])


def test_cost_is_split_by_release_and_so_is_its_change(page: Page, released: Site) -> None:
    open_page(page, released, "overview")
    over = panel(page, "Cost over time")
    over.get_by_role("button", name="Release", exact=True).click()
    expect(page).to_have_url(re.compile("by=release"))
    expect(over.get_by_role("listitem").filter(has_text="1.4.1").last).to_contain_text("$0.0063")
    changed = panel(page, "What changed")
    changed.get_by_role("button", name="Release", exact=True).click()
    expect(page).to_have_url(re.compile("why=release"))
    # 1.4.0 made one call in either day.
    expect(changed.locator("tbody tr td:first-child")).to_have_text(["1.4.1", "1.4.2"])
    page.get_by_role("link", name="Traces", exact=True).click()
    page.get_by_role("button", name=re.compile("1.4.2")).first.click()
    expect(page).to_have_url(re.compile("release.*1.4.2"))
    expect(page.get_by_role("row").filter(has_text="turn")).to_have_count(2)


def test_coverage_names_the_release_that_a_gap_began_with(page: Page, released: Site) -> None:
    cause = open_page(page, released, "coverage").locator(".cause-body.usage")
    expect(cause).to_contain_text(re.compile(r"since .*\d\d:\d\d:\d\d, release 1\.4\.2"))
    cause.get_by_role("link").first.click()
    page.get_by_text("gpt-5.2").first.wait_for()


def test_releases_speak_korean(page: Page, released: Site) -> None:
    open_page(page, released, "overview")
    page.evaluate("localStorage.setItem('everytoken.language', 'ko')")
    page.reload()
    over = panel(page, "시간별 비용")
    expect(over.get_by_role("listitem").filter(has_text="릴리스 시작")).to_be_visible()
    over.get_by_role("button", name="1.4.2").focus()
    expect(over.get_by_role("tooltip")).to_contain_text("처음 확인")
    open_page(page, released, "coverage")
    expect(page.locator(".cause-body.usage")).to_contain_text("부터, 릴리스 1.4.2")
