"""Print what pricing costs in the application's process: `python tests/bench/pricing.py`. Bar: 100 µs a warm call."""

# ruff: noqa: T201  a benchmark speaks on stdout

import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from functools import partial

CALLS = 20_000
MODULES = (
    "everytoken.core",
    "everytoken.core.extract",
    "everytoken.core.pricing",
    "everytoken.catalog",
    "everytoken.langsmith_compat",
)


def microseconds(call: Callable[[], object]) -> float:
    """The best of five rounds, for one call."""
    rounds = []
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(CALLS // 5):
            call()
        rounds.append((time.perf_counter() - began) / (CALLS // 5))
    return min(rounds) * 1e6


def import_ms(module: str) -> float:
    """Wall time of an import in a new process, less that of starting one: the best of five."""

    def run(program: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", program], check=True)
        return time.perf_counter() - began

    return (min(run(f"import {module}") for _ in range(5)) - min(run("pass") for _ in range(5))) * 1e3


def main() -> None:
    from everytoken.catalog import PriceBook
    from everytoken.core.usage import Usage

    book, at_us = PriceBook(), 1_795_000_000_000_000
    began = time.perf_counter()
    book.load()
    print(f"{'first load of a price book':<44}{(time.perf_counter() - began) * 1e3:8.1f} ms")
    from everytoken.langsmith_compat import calculate_cost

    print(f"{'calculate_cost, warm':<44}{microseconds(lambda: calculate_cost('gpt-5.2', 47, 12)):8.1f} µs")
    audio = Usage(1_000, 500, {"audio": 800, "cache_read": 300, "cache_read_audio": 200}, {"audio": 200})
    tiered = Usage(300_000, 500, {"cache_read": 90_000}, meters={"web_search": Decimal(2)}, tier="flex")
    for name, model, usage in (("cached audio", "gpt-realtime", audio), ("flex, long, a search", "gpt-5.4", tiered)):
        spent = microseconds(partial(book.price, usage, provider="openai", model=model, at_us=at_us))
        print(f"{'PriceBook.price, ' + name:<44}{spent:8.1f} µs")
    for module in MODULES:
        print(f"{'import ' + module:<44}{import_ms(module):8.1f} ms")


if __name__ == "__main__":
    main()
