"""Run every test once, in two stages: two at a time what can bear a neighbour, then by itself what must be alone.

`python -m tests.stages [arguments of pytest]`: both stages get the arguments; it ends with 0 when all passed.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

STAGES = {"together": ("--numprocesses=2", "--dist=loadfile", "--no-loadscope-reorder"), "alone": ()}
"""How each stage is run. The tests of a file share a process, and so the server of their module."""
FAILED, NO_TESTS = 1, 5
"""Exit codes of pytest after which the next stage still has something to tell."""


def main(arguments: list[str]) -> int:
    codes, accounts = [], []
    with tempfile.TemporaryDirectory() as folder:
        for stage, options in STAGES.items():
            account = Path(folder, stage)
            began = time.monotonic()
            code = _pytest(f"--stage={stage}", f"--account={account}", *options, *arguments)
            _say(f"· {stage}: {time.monotonic() - began:.0f} s")
            if code not in (0, FAILED, NO_TESTS):
                return code  # interrupted, or pytest could not start
            codes.append(code)
            accounts.append(json.loads(account.read_text()))
    if FAILED in codes:
        return FAILED
    wrong = not_once(*accounts)
    if wrong:
        _say(f"these tests did not run exactly once: {', '.join(wrong[:20])}")
        return FAILED
    return min(codes)  # no tests at all: neither stage had one


def not_once(together: dict[str, list[str]], alone: dict[str, list[str]]) -> list[str]:
    """Tests that were wanted or ran, and did not run in exactly one stage. `alone` says what was wanted."""
    runs = Counter(together["ran"] + alone["ran"])
    return sorted(name for name in {*runs, *alone["wanted"]} if runs[name] != 1)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _pytest(*arguments: str) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
