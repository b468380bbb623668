"""The graph of a trace: compiled or seen in grey, the path taken in colour, a click filters the timeline."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from tests.ui.conftest import Site
from tests.ui.reference import REFERENCE, Step, llm, node, now, send
from tests.ui.test_accessibility import findings

PROJECT = "graphs"

LOOPED = Step(
    name="agent-loop",
    start_ms=0,
    end_ms=900,
    children=(
        node("plan", 0, 100, llm(2, 98, (40, 10), 50)),
        *(node("worker", 100, 300, llm(110, 290, (20, 5), 150), step=2) for _ in range(3)),
        node("plan", 300, 400, llm(302, 398, (60, 10), 350), step=3),
        node("worker", 400, 500, step=4),
        node("report", 500, 900, llm(510, 890, (100, 60), 600), step=5),
    ),
)
OTHER = Step(name="other", start_ms=0, end_ms=50, children=(node("plan", 0, 10), node("give_up", 10, 40, step=2)))


@pytest.fixture(scope="module")
def graph_url(site: Site) -> str:
    send(site.client, PROJECT, OTHER, began=now() - timedelta(minutes=3))
    trace_id = send(site.client, PROJECT, LOOPED, began=now() - timedelta(minutes=2))
    site.settle()
    return f"{site.url}/projects/{PROJECT}/traces/{trace_id}?view=graph"


def test_the_path_is_in_colour_over_what_others_took_with_loops_and_counts(page: Page, graph_url: str) -> None:
    page.goto(graph_url)
    expect(page.locator(".gn.taken")).to_have_count(3)
    expect(page.locator(".gn.untaken")).to_have_text(re.compile("give_up"))
    expect(page.get_by_text("Grey: taken by 1 other recent trace")).to_be_visible()
    expect(page.locator("[data-node=worker]")).to_contain_text("×4")
    expect(page.locator("[data-node=worker]")).to_contain_text("75")
    expect(page.locator(".ge-label.loop")).to_contain_text("↻")


def test_a_click_on_a_node_filters_the_timeline_and_stands_in_the_address(page: Page, graph_url: str) -> None:
    page.goto(graph_url)
    page.locator("[data-node=report]").click()
    expect(page).to_have_url(re.compile("node=report"))
    expect(page.get_by_text("Only report")).to_be_visible()
    expect(page.locator(".wf-row")).to_have_count(3)
    page.reload()
    expect(page.locator("[data-node=report]")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Show all runs").click()
    expect(page.locator(".wf-row")).to_have_count(14)


def test_the_graph_is_walked_by_keys_and_heated_by_a_figure(page: Page, graph_url: str) -> None:
    page.goto(graph_url)
    expect(page.locator("[data-node=plan]")).to_be_visible()
    page.keyboard.press("n")
    expect(page.locator("[data-node=plan]")).to_have_attribute("aria-pressed", "true")
    page.locator("[data-node=worker]").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("node=worker"))
    page.get_by_role("button", name="tokens", exact=True).click()
    expect(page).to_have_url(re.compile("heat=tokens"))
    heat = "element => getComputedStyle(element).getPropertyValue('--heat')"
    assert page.locator("[data-node=report]").evaluate(heat) == "100%"  # 160 tokens, the most
    assert page.locator("[data-node=worker]").evaluate(heat) == "47%"  # 3 times 25
    page.keyboard.press("Escape")
    expect(page).not_to_have_url(re.compile("node="))


def test_a_running_node_glows_until_it_ends(page: Page, site: Site) -> None:
    trace_id = send(site.client, PROJECT, REFERENCE, began=now() - timedelta(seconds=1), finish=False)
    site.settle()
    page.goto(f"{site.url}/projects/{PROJECT}/traces/{trace_id}?view=graph")
    expect(page.locator(".gn.running")).to_have_attribute("data-node", "answer")
    assert page.locator("[data-node=intent]").get_attribute("class") == "gn taken critical"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_graph_has_no_serious_finding(page: Page, graph_url: str, theme: str) -> None:
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    for heat in ("", "&heat=cost&node=plan"):
        page.goto(graph_url + heat)
        expect(page.locator(".gn.taken").first).to_be_visible()
        assert findings(page) == []


def test_a_trace_without_a_graph_says_so(page: Page, site: Site) -> None:
    trace_id = send(site.client, PROJECT, llm(0, 100, (5, 5), 50), began=now())
    site.settle()
    page.goto(f"{site.url}/projects/{PROJECT}/traces/{trace_id}?view=graph")
    expect(page.get_by_text("This trace ran no LangGraph graph")).to_be_visible()
