"""Debian's Chromium, driven by Playwright, with a profile of its own."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE = (1440, 900)
expect.set_options(timeout=20_000)  # a shared machine gets four times what a page is given by default
PHONE = (390, 844)


@contextmanager
def chromium(profile: Path) -> Iterator[BrowserContext]:
    assert CHROMIUM is not None, "the tests of the page need Chromium: make programs"
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=CHROMIUM, headless=True, args=FLAGS, locale="en-US", timezone_id="Asia/Seoul"
        )
        yield context
        context.close()


def watch(page: Page, origin: str) -> list[str]:
    """Collects what must not happen: errors in the console, uncaught exceptions, requests to anyone else."""
    troubles: list[str] = []
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda asked: troubles.append(asked.url) if not _ours(asked.url, origin) else None)
    return troubles


def _ours(url: str, origin: str) -> bool:
    return url.startswith((f"{origin}/", "data:", "blob:"))
