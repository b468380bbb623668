"""Settings: a key shown once, retention, masks tried on a text, the log of it; and who may not is told so."""

import re
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page, expect
from tests.ui.conftest import Site
from tests.ui.reference import REFERENCE, now, send

PROJECT = "set"


@pytest.fixture
def alone(start: Callable[[], Site]) -> Site:
    """A server of its own: its first key closes it."""
    site = start()
    send(site.client, PROJECT, REFERENCE, began=now())
    site.settle()
    return site


def test_the_first_key_is_shown_once_and_logs_the_page_in(anywhere: Page, alone: Site) -> None:
    page, at = anywhere, f"{alone.url}/projects/{PROJECT}/settings"
    page.goto(f"{at}?tab=keys")
    page.get_by_label("What is it for?").fill("<b>ops</b>")
    page.get_by_role("button", name="Create the key").click()
    text = page.locator(".key-text code").inner_text()
    assert httpx.get(f"{alone.url}/everytoken/v1/projects").status_code == 401
    told = httpx.get(f"{alone.url}/everytoken/v1/keys", headers={"x-api-key": text}).json()["keys"]
    assert [(key["name"], sorted(key["scopes"])) for key in told] == [("<b>ops</b>", ["admin", "read"])]
    page.get_by_role("button", name="I have copied it").click()
    expect(page.get_by_role("row").filter(has_text="<b>ops</b>")).to_contain_text("admin, read")
    expect(page.get_by_text(text)).to_have_count(0)
    page.get_by_role("button", name="Audit log").click()
    expect(page.get_by_text("Key made")).to_be_visible()


def test_a_reader_without_admin_rights_is_told_so(anywhere: Page, alone: Site) -> None:
    page = anywhere
    keys = f"{alone.url}/everytoken/v1/keys"
    admin = httpx.post(keys, json={"name": "a", "scopes": ["admin"]}).json()["text"]
    reader = httpx.post(keys, json={"name": "r", "scopes": ["read"]}, headers={"x-api-key": admin}).json()["text"]
    page.goto(f"{alone.url}/projects/{PROJECT}/settings")
    page.get_by_label("API key").fill(reader)
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_role("heading", name="Settings are for administrators")).to_be_visible()
    page.goto(f"{alone.url}/projects/{PROJECT}/prices?tab=reprice")
    expect(page.get_by_text("Only administrators change prices.")).to_be_visible()
    expect(page.get_by_role("button", name="Preview")).to_be_hidden()


def test_time_zone_retention_and_masks_are_set(anywhere: Page, alone: Site) -> None:
    page, at = anywhere, f"{alone.url}/projects/{PROJECT}/settings"
    page.goto(at)
    page.get_by_label("Time zone").fill("Asia/Soul")
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    page.get_by_label("Time zone").fill("Asia/Seoul")
    page.get_by_label("Keep content for").fill("30")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    page.get_by_role("button", name="Masking").click()
    tried = page.get_by_label("What would be stored")
    expect(tried).to_contain_text("kim@example.com")
    page.get_by_role("checkbox", name="E-mail addresses").check()
    expect(tried).to_contain_text(re.compile(r"\[masked:email\]"))
    page.get_by_label("Patterns of your own").fill("(")
    expect(tried).to_contain_text("not a pattern that RE2 reads")
    page.get_by_label("Patterns of your own").fill("Call")
    expect(tried).to_contain_text("[masked:custom]")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    told = httpx.get(f"{alone.url}/everytoken/v1/projects/{PROJECT}/settings").json()
    kept = ("time_zone", "content_retention_days", "charge_retention_days", "masks", "mask_patterns")
    assert [told[name] for name in kept] == ["Asia/Seoul", 30, None, ["email"], ["Call"]]
