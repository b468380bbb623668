"""`everytoken serve` on a machine that has neither numpy nor pandas: `python -m tests.store.lean_serve serve …`."""

import importlib.abc
import sys
from importlib.machinery import ModuleSpec
from typing import Any

from everytoken.cli import main

ABSENT = ("numpy", "pandas")


class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if fullname.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return None


if __name__ == "__main__":
    sys.meta_path.insert(0, Absent())
    main()
