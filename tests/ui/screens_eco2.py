"""Renders the Eco² page, which needs an agent beside its server; a part of `make screens`."""

import json
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect
from tests.ui.attached import attached
from tests.ui.browser import PHONE
from tests.ui.reference import QUESTION

Look = tuple[str, str, tuple[int, int]]
SETTLE_MS = 700
ANSWER_MS = 30_000


def render_eco2(context: BrowserContext, folder: Path, screens: Path, looks: Sequence[Look]) -> None:
    """The page before the first question, after the answer, and while the agent asks back."""
    with attached(folder, latency="real") as url:
        for theme, language, (width, height) in looks:
            page = context.new_page()
            page.set_viewport_size({"width": width, "height": height})
            chosen = {"everytoken.theme": theme, "everytoken.language": language}
            page.add_init_script(f"Object.assign(localStorage, {json.dumps(chosen)})")
            page.goto(f"{url}/eco2")
            expect(page.locator("[data-node=intent]")).to_be_visible()
            look = f"{'phone' if width == PHONE[0] else 'desk'}-{theme}-{language}"
            _shoot(page, screens / f"eco2-new-{look}.png")
            page.get_by_role("button", name=QUESTION).click()
            expect(page.locator(".eco2-facts")).to_have_count(1, timeout=ANSWER_MS)
            expect(page.locator(".quality-note")).to_be_visible(timeout=ANSWER_MS)
            page.mouse.move(0, 0)
            _shoot(page, screens / f"eco2-{look}.png")
            page.locator("textarea").fill("가까운 제로웨이스트 가게 어디 있어?")
            page.keyboard.press("Enter")
            expect(page.locator(".asking")).to_be_visible(timeout=ANSWER_MS)
            _shoot(page, screens / f"eco2-asks-{look}.png")
            page.close()


def _shoot(page: Page, file: Path) -> None:
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=file)
