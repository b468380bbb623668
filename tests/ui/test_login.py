"""The page before one is let in: wrong and right passwords, by keyboard alone, and a login that ends midway."""

import re
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page, expect
from tests.ui.conftest import Site
from tests.ui.reference import REFERENCE, now, send
from tests.ui.test_accessibility import findings

PROJECT = "closed"
PASSWORD = "correct horse battery"


@pytest.fixture
def closed(start: Callable[[], Site]) -> Site:
    """A server with a trace that only minji may read."""
    site = start()
    send(site.client, PROJECT, REFERENCE, began=now())
    site.settle()
    made = httpx.put(
        f"{site.url}/everytoken/v1/users/minji",
        json={"password": PASSWORD, "scopes": ["read", "admin"]},
        headers={"origin": site.url},
    )
    assert made.status_code == 200, made.text
    return site


def log_in(page: Page, password: str = PASSWORD) -> None:
    page.get_by_label("Name", exact=True).fill("minji")
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Log in", exact=True).click()


def test_a_wrong_password_is_told_and_the_right_one_opens_the_page_one_wanted(anywhere: Page, closed: Site) -> None:
    page, wanted = anywhere, f"{closed.url}/projects/{PROJECT}/nodes?range=7d"
    page.goto(wanted)
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    log_in(page, "wrong horse battery")
    expect(page.get_by_role("alert")).to_have_text("Name, password or key is wrong.")
    expect(page.get_by_label("Password", exact=True)).to_be_focused()
    page.keyboard.type(PASSWORD)  # over the wrong one, which is selected
    page.keyboard.press("Enter")
    expect(page.get_by_role("row").filter(has_text="web_search")).to_be_visible()
    expect(page).to_have_url(wanted)
    assert page.evaluate("document.cookie") == ""  # out of the reach of scripts


def test_one_logs_in_and_out_by_keyboard_alone(anywhere: Page, closed: Site) -> None:
    page = anywhere
    page.goto(f"{closed.url}/projects/{PROJECT}/traces")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.type("minji")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("row").nth(1)).to_be_visible()
    leave = page.get_by_role("button", name="Log out")
    for _ in range(20):  # backwards: it stands at the top, and the form one came from stood below it
        page.keyboard.press("Shift+Tab")
        if leave.evaluate("button => button === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("form", name="Log in")).to_be_visible()
    expect(page.get_by_text("chat-job")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("form", name="Log in")).to_be_visible()


def test_a_login_that_ends_midway_keeps_the_address(anywhere: Page, closed: Site) -> None:
    page = anywhere
    page.goto(f"{closed.url}/projects/{PROJECT}/traces")
    log_in(page)
    expect(page.get_by_role("row").nth(1)).to_be_visible()
    cookie = {one["name"]: one["value"] for one in page.context.cookies()}
    ended = httpx.delete(
        f"{closed.url}/everytoken/v1/session", cookies=cookie, headers={"origin": closed.url}, timeout=10
    )
    assert ended.status_code == 200
    page.get_by_role("link", name="Models", exact=True).click()
    expect(page.get_by_role("form", name="Log in")).to_be_visible()
    expect(page).to_have_url(re.compile(f"/projects/{PROJECT}/models"))
    log_in(page)
    expect(page.get_by_role("row").filter(has_text="gpt-5.2")).to_be_visible()
    expect(page).to_have_url(re.compile(f"/projects/{PROJECT}/models"))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_login_page_has_no_serious_finding(anywhere: Page, closed: Site, theme: str) -> None:
    page = anywhere
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    page.goto(closed.url)
    expect(page.get_by_role("form", name="Log in")).to_be_visible()
    assert findings(page) == []
    log_in(page, "wrong horse battery")
    expect(page.get_by_role("alert")).to_be_visible()
    assert findings(page) == []
    page.get_by_role("button", name="Key", exact=True).click()
    expect(page.get_by_label("API key")).to_be_visible()
    assert findings(page) == []


def test_it_speaks_korean(anywhere: Page, closed: Site) -> None:
    page = anywhere
    page.add_init_script("localStorage.setItem('everytoken.language', 'ko')")
    page.goto(closed.url)
    page.get_by_label("이름", exact=True).fill("minji")
    page.get_by_label("비밀번호", exact=True).fill("wrong horse battery")
    page.get_by_role("button", name="로그인", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text("이름, 비밀번호 또는 키가 올바르지 않습니다.")
