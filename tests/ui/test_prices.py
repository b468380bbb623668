"""Prices: a missing one is set and stored charges priced again. Any number explains itself."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from tests.ui.conftest import Site
from tests.ui.reference import REFERENCE, now, send
from tests.ui.test_overview import LOST, one_call

PROJECT = "priced"
WRONG = """[[price]]
provider = 7
models = ["x"]
rates = { input_mtok = 1 }
source = "s"
checked = 2026-11-01
"""


@pytest.fixture
def lacking(anywhere: Page, start: Callable[[], Site]) -> Iterator[str]:
    """One reference trace, and one call of 1,000 and 100 tokens to a model without a price."""
    site = start()
    send(site.client, PROJECT, REFERENCE, began=now() - timedelta(minutes=9))
    send(site.client, PROJECT, one_call((1000, 100), model=LOST), began=now() - timedelta(minutes=5))
    site.settle()
    yield f"{site.url}/projects/{PROJECT}"
    anywhere.evaluate("localStorage.clear()")


def test_a_missing_price_is_set_and_what_is_stored_priced_again(anywhere: Page, lacking: str) -> None:
    page = anywhere
    page.goto(f"{lacking}/prices")
    missing = page.get_by_role("row").filter(has_text=LOST)
    expect(missing).to_contain_text("the model is in no price table")
    expect(missing).to_contain_text("1,000")
    missing.get_by_role("button", name="Set a price").click()
    page.get_by_role("button", name="Save the override").click()
    expect(page.get_by_role("alert").first).to_have_text("Fill this in.")
    page.get_by_label("Input, $ per 1 M tokens", exact=False).first.fill("2")
    page.get_by_label("Output, $ per 1 M tokens").fill("10")
    page.get_by_label("Source").fill("contract")
    page.get_by_role("button", name="Save the override").click()
    expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    expect(page.locator(".override pre")).to_contain_text(f'models = ["{LOST}"]')
    page.get_by_role("group", name="What of prices").get_by_role("button", name="Re-price").click()
    page.get_by_role("button", name="Preview").click()
    # 1,000 × $2/M + 100 × $10/M
    expect(page.get_by_role("status").filter(has_text="1 of 5 charges would change")).to_contain_text("+$0.003")
    page.get_by_role("button", name="Apply to 1 charges").click()
    expect(page.get_by_role("status").filter(has_text="1 of 5 charges changed")).to_be_visible()
    log = page.get_by_role("region", name="What was changed before")
    expect(log.get_by_text("Charges priced again")).to_be_visible()
    expect(log.get_by_text("Price set")).to_be_visible()
    page.goto(f"{lacking}/prices?tab=missing")
    expect(page.get_by_text("Every model that was called has a price")).to_be_visible()


def test_a_refused_override_says_why_at_the_field(anywhere: Page, lacking: str) -> None:
    page = anywhere
    page.goto(f"{lacking}/prices?tab=overrides")
    page.get_by_role("button", name="Add an override").click()
    page.get_by_role("button", name="TOML").click()
    page.get_by_label("Name").fill("own")
    page.get_by_label("TOML").last.fill(WRONG)
    page.get_by_role("button", name="Save the override").click()
    expect(page.get_by_role("alert").first).to_contain_text("`provider` is not a text")


def test_a_price_is_looked_up_with_its_tiers_and_steps(page: Page, site: Site, trace_id: str) -> None:
    page.goto(f"{site.url}/projects/eco2-chat/prices?tab=entries")
    page.get_by_role("searchbox", name="Find a model or provider").fill("gemini-2.5-pro")
    page.get_by_role("button", name="gemini-2.5-pro", exact=True).first.click()
    price = page.get_by_role("region", name="gemini-2.5-pro")
    expect(price.get_by_role("row").filter(has_text="input above 200,000 input tokens").first).to_be_visible()
    expect(price).to_contain_text("genai-prices")


def test_the_cost_of_a_project_explains_itself_to_the_digit(page: Page, site: Site, trace_id: str) -> None:
    page.goto(f"{site.url}/projects/eco2-chat/nodes")
    row = page.get_by_role("row").filter(has=page.get_by_text("web_search", exact=True)).first
    row.get_by_role("button", name="$0.007324").click()
    shown = page.get_by_role("dialog")
    expect(shown).to_contain_text("× $1.75 / M")
    expect(shown).to_contain_text("× $14.00 / M")
    expect(shown).to_contain_text("openai/gpt-5.2")
