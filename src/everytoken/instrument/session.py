"""`instrument()`: finds the installed SDKs, patches each once, and takes everything back on `uninstrument()`."""

import importlib.util
import os
import threading
from collections.abc import Callable
from typing import Any

from everytoken.instrument import google_genai, openai
from everytoken.instrument.guard import failed, guarded
from everytoken.instrument.patch import Patches
from everytoken.instrument.recorder import Recorder

LOCAL_ENDPOINT = "http://127.0.0.1:8700"

INTEGRATIONS: dict[str, Callable[[Patches, Recorder], None]] = {
    "openai": openai.patch,
    "google.genai": google_genai.patch,
}
"""Module to look for → how to patch it. One more integration is one more line here."""


class _Session:
    """What is patched in this process, and who records; one instance."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.patches = Patches()
        self.recorder: Recorder | None = None


_session = _Session()


@guarded
def instrument(client: Any = None) -> tuple[str, ...]:
    """Count every billed request from now on, of clients made before and after. Calling it again changes nothing.

    `client` is the `langsmith.Client` to report through; by default one made from `LANGSMITH_…`, and with none of those
    set, one that talks to everytoken on this machine. Returns the names of what was patched.
    """
    with _session.lock:
        if _session.recorder is not None:
            return _installed()
        _session.recorder = Recorder(client or _default_client())
        for module in _installed():
            try:
                INTEGRATIONS[module](_session.patches, _session.recorder)
            except Exception as error:  # noqa: BLE001 one SDK we do not know must not cost the others
                failed(f"instrument {module}", error)
        return _installed()


@guarded
def uninstrument() -> None:
    """Restore every patched function, after what was recorded is sent."""
    with _session.lock:
        _session.patches.restore()
        if _session.recorder is not None:
            _session.recorder.close()
            _session.recorder = None


def flush(timeout_s: float = 10.0) -> bool:
    """Wait until everything recorded so far has left for the server; False when that took longer than `timeout_s`."""
    recorder = _session.recorder
    return True if recorder is None else bool(guarded(recorder.flush)(timeout_s))


def _installed() -> tuple[str, ...]:
    return tuple(module for module in INTEGRATIONS if _is_installed(module))


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _default_client() -> Any:
    from langsmith import Client
    from langsmith.run_trees import get_cached_client

    named = ("LANGSMITH_ENDPOINT", "LANGCHAIN_ENDPOINT", "LANGSMITH_API_KEY", "LANGCHAIN_API_KEY")
    if any(os.environ.get(name) for name in named):
        return get_cached_client()
    return Client(api_url=LOCAL_ENDPOINT, api_key="local")
