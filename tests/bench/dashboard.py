"""A project of a million runs in the browser: `python tests/bench/dashboard.py`. It takes minutes, most of it to fill.

A real server, filled as `tests/bench/server.py` fills it, and the built page in Debian's Chromium. Of each page: when
its first figures stood, when its last question was answered, the slowest question, and the longest task of the browser.
"""

# ruff: noqa: T201  a benchmark speaks on stdout

import os
import statistics
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.bench.server import COPIES, FIRST_RUNS, PROJECT, Bench, multiply
from tests.store.serving import serving
from tests.ui.browser import WIDE, chromium

ROUNDS = 3
QUIET_MS = 1_500
"""So long without a question: the page has all it asked for."""
SCROLLS = 40
WATCH = """
window.longest = 0;
new PerformanceObserver((list) => {
  for (const task of list.getEntries()) window.longest = Math.max(window.longest, task.duration);
}).observe({ type: "longtask", buffered: true });
"""
ASKED = """performance.getEntriesByType("resource").filter((entry) => entry.name.includes("/everytoken/v1/")
  && !entry.name.includes("/live")).map((entry) => [entry.name.split("/v1/")[1].split("?")[0], entry.duration,
  entry.responseEnd])"""
PAGES = {
    "overview, 24 h": ("overview?range=24h", ".chart canvas"),
    "overview, 30 days": ("overview?range=30d", ".chart canvas"),
    "traces, 24 h": ("traces?range=24h", ".list-row"),
    "traces, 30 days, by cost": ("traces?range=30d&sort=-cost&strip=cost", ".list-row"),
    "traces, 30 days, filtered": ("traces?range=30d&filter=gt(total_tokens,100)", ".list-row"),
    "nodes, 30 days": ("nodes?range=30d", ".table tbody tr"),
    "models, 30 days": ("models?range=30d", ".table tbody tr"),
    "coverage, 30 days": ("coverage?range=30d", ".table tbody tr"),
}


@dataclass
class Shown:
    first_ms: float
    """Until the first figures stood."""
    last_ms: float
    """Until the last question was answered."""
    slowest: tuple[str, float]
    longest_ms: float


def show(page: Page, url: str, wanted: str) -> Shown:
    page.goto("about:blank")
    page.goto(url, wait_until="commit")
    page.locator(wanted).first.wait_for(timeout=60_000)
    first_ms: float = page.evaluate("performance.now()")
    asked: list[Any] = page.evaluate(ASKED)
    while True:
        page.wait_for_timeout(QUIET_MS)
        now: list[Any] = page.evaluate(ASKED)
        if len(now) == len(asked):
            break
        asked = now
    name, took_ms, _ = max(asked, key=lambda entry: entry[1])
    return Shown(first_ms, max(entry[2] for entry in asked), (name, took_ms), page.evaluate("window.longest"))


def scroll(page: Page, url: str) -> float:
    """The longest task while the list of traces is scrolled and grows."""
    page.goto(url)
    page.locator(".list-row").first.wait_for()
    page.evaluate("window.longest = 0")
    page.mouse.move(700, 500)
    for _ in range(SCROLLS):
        page.mouse.wheel(0, 900)
        page.wait_for_timeout(50)
    longest: float = page.evaluate("window.longest")
    return longest


def measure(page: Page, url: str) -> None:
    for name, (address, wanted) in PAGES.items():
        rounds = [show(page, f"{url}/projects/{PROJECT}/{address}", wanted) for _ in range(ROUNDS)]
        slowest = max((one.slowest for one in rounds), key=lambda asked: asked[1])
        print(
            f"{name:<28} first figures {statistics.median(one.first_ms for one in rounds):5.0f} ms"
            f"   all answered {statistics.median(one.last_ms for one in rounds):5.0f} ms"
            f"   longest task {max(one.longest_ms for one in rounds):4.0f} ms"
            f"   slowest question {slowest[1]:5.0f} ms ({slowest[0]})"
        )
    longest = scroll(page, f"{url}/projects/{PROJECT}/traces?range=30d")
    print(f"scrolling the list of traces: longest task {longest:.0f} ms")


def main() -> None:
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(1) as pool:
        pool.submit(os.getpid).result()
        data = Path(folder) / "data"
        with serving(data) as server:
            bench = Bench(server, data, pool)
            bench.fill(FIRST_RUNS)
        with ProcessPoolExecutor(1) as once:  # an engine lets go of its folder when its process ends
            once.submit(multiply, data).result()
        with serving(data) as server, chromium(Path(folder) / "profile") as context:
            stored = server.get(f"/projects/{PROJECT}/summary")["runs"]
            assert stored == bench.sent_runs * (COPIES + 1), f"{stored} runs are stored"
            print(f"{stored:,} runs, load average {os.getloadavg()[0]:.1f}")
            page = context.new_page()
            page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
            page.add_init_script(WATCH)
            measure(page, server.url)


if __name__ == "__main__":
    main()
