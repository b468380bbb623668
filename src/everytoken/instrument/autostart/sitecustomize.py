"""Every Python that starts below `everytoken run` imports this module by its name, before the program.

Written for any Python 3: one without everytoken, or too old for it, must start as if this file were not there.
"""

import importlib.util
import os
import sys
from importlib.machinery import PathFinder


def _start_others() -> None:
    """Run the `sitecustomize` that this one stands before, in its own name; its errors are its own."""
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 pathlib would cost every start 10 ms
    others = [entry for entry in sys.path if os.path.abspath(entry) != here]  # noqa: PTH100
    spec = PathFinder.find_spec("sitecustomize", others)
    if spec is None or spec.loader is None:
        return
    module = importlib.util.module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


def _start_recording() -> None:
    try:
        import everytoken

        everytoken.instrument()
    except Exception:  # noqa: BLE001 S110 nobody reads a log yet, and the program must start
        pass


try:
    _start_others()
finally:
    _start_recording()
