"""⌘K goes anywhere by name, and two marked traces are compared."""

import re
from datetime import timedelta

from playwright.sync_api import Page, expect
from tests.ui.conftest import PROJECT, Site
from tests.ui.reference import REFERENCE, now, send
from tests.ui.test_accessibility import findings


def visit(page: Page, address: str) -> None:
    """Keys are heard once the page is there."""
    page.goto(address)
    expect(page.get_by_role("row").nth(1)).to_be_visible()


def test_a_page_is_reached_by_its_name(page: Page, site: Site, trace_id: str) -> None:
    visit(page, f"{site.url}/projects/{PROJECT}/overview")
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog", name="Go anywhere")).to_be_visible()
    assert findings(page) == []
    page.keyboard.type("cover")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{site.url}/projects/{PROJECT}/coverage")
    expect(page.get_by_role("dialog", name="Go anywhere")).to_be_hidden()


def test_a_trace_is_reached_by_its_id_from_anywhere(page: Page, site: Site, trace_id: str) -> None:
    visit(page, site.url)
    page.keyboard.press("Control+k")
    page.keyboard.type(trace_id)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="chat-job_abc123")).to_be_visible()


def test_an_unknown_id_says_so(anywhere: Page, site: Site, trace_id: str) -> None:
    visit(anywhere, site.url)
    anywhere.keyboard.press("Control+k")
    anywhere.keyboard.type("00000000-0000-4000-8000-000000000000")
    anywhere.keyboard.press("Enter")
    expect(anywhere.get_by_role("alert")).to_contain_text("There is no such trace")


def test_theme_and_language_are_switched_by_name(page: Page, site: Site, trace_id: str) -> None:
    visit(page, site.url)
    page.keyboard.press("Control+k")
    page.keyboard.type("dark")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.keyboard.press("Control+k")
    page.keyboard.type("language ko")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("lang", "ko")


def test_the_help_lists_every_key(page: Page, site: Site, trace_id: str) -> None:
    visit(page, site.url)
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    for action in ("Go anywhere", "Search", "Next node of the graph", "Mark a trace; two marked ones are compared"):
        expect(keys.get_by_text(action, exact=True)).to_be_visible()


def test_two_marked_traces_are_compared(page: Page, site: Site) -> None:
    for minutes in (3, 4):
        send(site.client, "marked", REFERENCE, began=now() - timedelta(minutes=minutes))
    site.settle()
    visit(page, f"{site.url}/projects/marked/traces")
    expect(page.get_by_role("button", name="Mark for comparison")).to_have_count(2)
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.get_by_role("button", name="Mark for comparison").first).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Mark for comparison").last.click()
    expect(page).to_have_url(re.compile(r"compare\?.*a=.*b="))
