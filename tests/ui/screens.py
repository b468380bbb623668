"""Renders every page to docs/screens: both themes, both languages, a desk and a phone. `make screens`."""

import contextlib
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
from playwright.sync_api import BrowserContext, Page, expect

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.ui.browser import PHONE, WIDE, chromium  # noqa: E402 # started as a script: the root has to be found first
from tests.ui.conftest import Site, serving  # noqa: E402
from tests.ui.screens_eco2 import render_eco2  # noqa: E402
from tests.ui.test_hostile import send_hostile  # noqa: E402
from tests.ui.traffic import send_day  # noqa: E402

SCREENS = ROOT / "docs/screens"
PROJECT = "eco2-chat"
LOOKS = (("light", "en", WIDE), ("dark", "ko", WIDE), ("light", "ko", PHONE), ("dark", "en", PHONE))
SETTLE_MS = 700
SLOWEST_MS = 15_000


def _palette(page: Page) -> None:
    page.keyboard.press("Control+k")
    page.keyboard.type("o")


def _explain(page: Page) -> None:
    page.locator(".list-row .explain:visible").first.click()
    expect(page.locator(".explanation tfoot")).to_be_visible()


def _log_in_wrongly(page: Page) -> None:
    for field in ("name", "password"):
        page.locator(f"input[name={field}]").fill("minji")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()


def _found(page: Page) -> None:
    expect(page.locator(".hits mark").first).to_be_visible(timeout=SLOWEST_MS)


ACTS: dict[str, Callable[[Page], None]] = {
    "palette": _palette,
    "explained": _explain,
    "login-wrong": _log_in_wrongly,
    "traces-search": _found,
}
"""What is done on a page before its picture is taken, by the picture's name."""


def pages(site: Site, trace_id: str) -> Iterator[tuple[str, str]]:
    """Name and address of every page worth looking at."""
    view = httpx.get(f"{site.url}/everytoken/v1/traces/{trace_id}").json()
    llm = next(run["run_id"] for run in view["runs"] if run["run_type"] == "llm" and run["node"] == "answer")
    trace = f"/projects/{PROJECT}/traces/{trace_id}"
    yield "projects", "/"
    for section in ("overview", "traces", "nodes", "models", "users", "threads", "coverage"):
        yield section, f"/projects/{PROJECT}/{section}"
    yield "thread", f"/projects/{PROJECT}/threads/session-3"
    wanted = 'and(eq(status,"success"),gt(latency,"2s"))'
    yield "traces-found", f"/projects/{PROJECT}/traces?strip=cost&sort=-cost&filter={quote(wanted)}"
    yield "traces-fault", f"/projects/{PROJECT}/traces?filter={quote('gt(latncy, 2)')}"
    yield "traces-search", f"/projects/{PROJECT}/traces?q={quote('페트병')}"
    yield "explained", f"/projects/{PROJECT}/traces"
    yield "palette", f"/projects/{PROJECT}/traces"
    yield "hostile", send_hostile(site, "hostile")
    yield "hostile-list", "/projects/hostile/traces"
    yield "bucket", f"/projects/{PROJECT}/overview?bucket={last_bucket()}"
    yield "alerts", f"/projects/{PROJECT}/alerts"
    yield "prices", f"/projects/{PROJECT}/prices"
    yield "price", f"/projects/{PROJECT}/prices?tab=entries&q=gemini&model=gemini-2.5-pro&provider=google"
    yield "reprice", f"/projects/{PROJECT}/prices?tab=reprice"
    for tab in ("project", "masking", "keys"):
        yield f"settings-{tab}", f"/projects/{PROJECT}/settings?tab={tab}"
    yield "trace", trace
    yield "run", f"{trace}?run={llm}"
    yield "trace-nodes", f"{trace}?view=nodes"
    yield "trace-graph", f"{trace}?view=graph"
    yield "trace-heat", f"{trace}?view=graph&heat=cost&node=web_search"
    yield "trace-search", f"{trace}?q=kakao"
    yield "node", f"/projects/{PROJECT}/nodes?node=answer"
    yield "compare", f"/projects/{PROJECT}/compare?a={another(site)}&b={trace_id}&node=answer"
    yield "windows", f"/projects/{PROJECT}/compare?range=6h"
    yield "missing", f"/projects/{PROJECT}/traces/00000000-0000-4000-8000-000000000000"
    yield "failed", "/projects/nobody-has-this/models"


def last_bucket() -> int:
    """The hour before this one of the overview's chart, in epoch milliseconds."""
    return int(time.time()) // 3_600 * 3_600_000 - 3_600_000


def another(site: Site) -> str:
    """A trace to compare the newest with."""
    listed = httpx.get(f"{site.url}/everytoken/v1/traces", params={"project": PROJECT, "limit": 4}).json()
    return str(listed["traces"][3]["trace_id"])


def render(context: BrowserContext, site: Site, addresses: list[tuple[str, str]]) -> None:
    for theme, language, (width, height) in LOOKS:
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": height})
        chosen = {"everytoken.theme": theme, "everytoken.language": language}
        page.add_init_script(f"Object.assign(localStorage, {json.dumps(chosen)})")
        for name, address in addresses:
            page.goto(site.url + address)
            expect(page.locator("#main")).to_be_visible(timeout=SLOWEST_MS)
            page.wait_for_timeout(SETTLE_MS)
            expect(page.locator("[aria-busy=true]")).to_have_count(0, timeout=SLOWEST_MS)
            if name in ACTS:
                ACTS[name](page)
            page.wait_for_timeout(SETTLE_MS)
            size = "phone" if width == PHONE[0] else "desk"
            page.screenshot(path=SCREENS / f"{name}-{size}-{theme}-{language}.png")
        page.close()


def close(site: Site) -> None:
    """Make the first user: from then on the page asks who reads it."""
    made = {"password": "correct horse battery", "scopes": ["read", "admin"]}
    answer = httpx.put(f"{site.url}/everytoken/v1/users/minji", json=made, headers={"origin": site.url})
    answer.raise_for_status()


def main() -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        context = stack.enter_context(chromium(folder / "profile"))
        (folder / "empty").mkdir()
        with serving(folder / "empty") as empty:
            render(context, empty, [("first-visit", "/")])
        (folder / "closed").mkdir()
        with serving(folder / "closed") as closed:
            close(closed)
            render(context, closed, [("login", "/"), ("login-wrong", "/")])
        (folder / "full").mkdir()
        with serving(folder / "full") as full:
            trace_id = send_day(full.client, PROJECT)
            full.settle()
            render(context, full, list(pages(full, trace_id)))
        (folder / "agent").mkdir()
        render_eco2(context, folder / "agent", SCREENS, LOOKS)
    shutil.copy(SCREENS / "run-desk-light-en.png", SCREENS / "trace.png")  # the picture that opens the README
    sys.stdout.write(f"{len(list(SCREENS.glob('*.png')))} pictures in {SCREENS}\n")


if __name__ == "__main__":
    main()
