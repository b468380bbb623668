"""Searching in a trace finds what its runs carried, and walks from match to match."""

import re

from playwright.sync_api import Page, expect
from tests.ui.conftest import PROJECT, Site


def test_a_text_of_an_output_is_found_and_walked_through(page: Page, site: Site, trace_id: str) -> None:
    page.goto(f"{site.url}/projects/{PROJECT}/traces/{trace_id}")
    expect(page.get_by_text("First token 1.54 s")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("재활용정거장")
    count = page.get_by_role("search").get_by_role("status")
    expect(count).to_have_text("–/12")
    page.keyboard.press("Enter")
    expect(count).to_have_text("1/12")
    page.keyboard.press("Shift+Enter")
    expect(count).to_have_text("12/12")
    expect(page).to_have_url(re.compile("q=.*run=|run=.*q="))
    expect(page.locator(".wf-row.found")).to_have_count(12)


def test_a_name_is_found_inside_a_closed_branch(page: Page, site: Site, trace_id: str) -> None:
    page.goto(f"{site.url}/projects/{PROJECT}/traces/{trace_id}")
    page.get_by_role("button", name="Close all").click()
    expect(page.get_by_text("kakao_place_search")).to_have_count(0)
    page.get_by_role("searchbox").fill("KAKAO")
    page.get_by_role("searchbox").press("Enter")
    count = page.get_by_role("search").get_by_role("status")
    expect(count).to_have_text("–/1")
    page.get_by_role("searchbox").press("Enter")
    expect(count).to_have_text("1/1")
    expect(page.get_by_role("heading", name="kakao_place_search")).to_be_visible()
