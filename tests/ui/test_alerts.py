"""The page's main task: try an alert on history, save it, see it fire and see whom it could not reach."""

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect
from tests.ui.browser import PHONE, WIDE
from tests.ui.conftest import PROJECT, Site
from tests.ui.reference import QUESTION, REFERENCE, now, send
from tests.ui.test_accessibility import findings


@pytest.fixture
def spent(start: Callable[[], Site]) -> Site:
    """A server whose project spent $0.011284 ten minutes ago: within any hour that ends in the last five."""
    site = start()
    send(site.client, PROJECT, REFERENCE, began=now() - timedelta(minutes=10))
    site.settle()
    return site


def line(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_text(name, exact=True))


def test_an_alert_is_tried_on_history_saved_and_fires(anywhere: Page, spent: Site) -> None:
    page = anywhere
    page.goto(f"{spent.url}/projects/{PROJECT}/overview")
    page.get_by_role("link", name="Alerts", exact=True).click()
    expect(page.get_by_role("heading", name="No alerts yet")).to_be_visible()
    page.get_by_role("button", name="New alert").click()
    form = page.get_by_role("dialog", name="New alert")
    form.get_by_label("Name").fill("Dear hour")
    form.get_by_label("What").select_option("cost")
    form.get_by_label("Over").select_option("1h")
    form.get_by_label("Limit (USD)").fill("50")
    expect(form.get_by_role("status")).to_have_text("It would not have fired in 7 days.")
    form.get_by_label("Limit (USD)").fill("0.001")
    expect(form.get_by_role("status")).to_have_text("It would have fired 1 time in 7 days.")
    form.get_by_role("button", name="Add").click()
    form.get_by_label("Where").fill("http://127.0.0.1:1/private?token=hidden")
    assert findings(page) == []
    form.get_by_role("button", name="Save").click()
    expect(form).to_be_hidden()
    secret = page.get_by_role("region", name="Keep this secret")
    expect(secret).to_contain_text("etwh_")
    secret.get_by_role("button", name="Done").click()
    expect(page.get_by_text("etwh_")).to_be_hidden()
    fired = line(page, "Dear hour")
    expect(fired).to_contain_text("Firing", timeout=40_000)
    expect(fired).to_contain_text("$0.01")
    expect(page.get_by_role("heading", name="1 alert is firing")).to_be_visible()
    event = page.get_by_role("listitem").filter(has_text="Dear hour")
    expect(event).to_contain_text("fired")
    expect(event).to_contain_text("not delivered", timeout=40_000)  # a private address that no setting allows
    fired.get_by_role("button", name="Test").click()
    expect(fired.get_by_role("status")).to_contain_text("EVERYTOKEN_ALERT_HOSTS")
    assert "token=hidden" not in page.content()
    event.get_by_role("link", name="Open the runs").click()
    expect(page.get_by_text(QUESTION).first).to_be_visible()


def test_an_alert_is_changed_switched_off_and_deleted_in_either_theme_and_width(anywhere: Page, spent: Site) -> None:
    page = anywhere
    body = {"name": "Day", "kind": "budget", "window": "day", "limit": "5", "levels": [80, 100]}
    made = httpx.post(f"{spent.url}/everytoken/v1/projects/{PROJECT}/alerts", json=body)
    assert made.status_code == 200, made.text
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        page.goto(f"{spent.url}/projects/{PROJECT}/alerts")
        expect(line(page, "Day")).to_be_visible()
        assert findings(page) == []
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    expect(line(page, "Day")).to_contain_text("of $5.00")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
    line(page, "Day").get_by_role("button", name="Change").click()
    form = page.get_by_role("dialog", name="Change alert")
    expect(form.get_by_label("Tell at (%)")).to_have_value("80, 100")
    form.get_by_label("Amount (USD)").fill("7")
    form.get_by_role("button", name="Save").click()
    expect(line(page, "Day")).to_contain_text("of $7.00")
    line(page, "Day").get_by_role("button", name="Switch off").click()
    expect(line(page, "Day")).to_contain_text("Off")
    line(page, "Day").get_by_role("button", name="Delete").click()
    line(page, "Day").get_by_role("button", name="Delete it for good").click()
    expect(page.get_by_role("heading", name="No alerts yet")).to_be_visible()


def test_keys_and_the_palette_lead_to_the_alerts(page: Page, site: Site, trace_id: str) -> None:
    page.goto(f"{site.url}/projects/{PROJECT}/overview")
    expect(page.get_by_role("link", name="Alerts", exact=True)).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("a")
    expect(page).to_have_url(f"{site.url}/projects/{PROJECT}/alerts")
    page.goto(f"{site.url}/projects/{PROJECT}/overview")
    page.get_by_role("button", name="Go anywhere").click()
    page.get_by_role("combobox").fill("alert")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{site.url}/projects/{PROJECT}/alerts")
