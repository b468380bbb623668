"""`instrument()`: finds the installed SDKs, patches each once, and takes everything back on `uninstrument()`."""

import atexit
import functools
import importlib.util
import logging
import os
import threading
from collections.abc import Callable
from typing import Any

from everytoken.instrument import (
    google_genai,
    google_interactions,
    langchain,
    openai,
    openai_agents,
    other_runs,
    processes,
    threads,
)
from everytoken.instrument.guard import failed, guarded, logger
from everytoken.instrument.imports import ImportWatch
from everytoken.instrument.patch import Patches
from everytoken.instrument.recorder import Exporter, Recorder
from everytoken.instrument.settings import read_settings
from everytoken.instrument.tracer import load_tracing

LOCAL_ENDPOINT = "http://127.0.0.1:8700"
_NAMED = ("LANGSMITH_ENDPOINT", "LANGCHAIN_ENDPOINT", "LANGSMITH_API_KEY", "LANGCHAIN_API_KEY")

INTEGRATIONS: dict[str, tuple[str, Callable[[Patches, Recorder], None]]] = {
    "openai._base_client": ("openai", openai.patch),
    "google.genai._api_client": ("google.genai", google_genai.patch),
    "google.genai._gaos.basesdk": ("google.genai", google_interactions.patch),
    "langchain_core.tracers.langchain": ("langchain_core", langchain.patch_tracer),
    "langchain_core.language_models.chat_models": ("langchain_core", langchain.patch_models),
    "langsmith.integrations.openai_agents_sdk._openai_agents": ("agents", openai_agents.patch),
}
"""Module that is patched once it is imported → what it belongs to, and how. One more integration is one more line."""


class _Session:
    """What is patched in this process, and who records; one instance."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.patches = Patches()
        self.recorder: Recorder | None = None
        self.watch: ImportWatch | None = None


_session = _Session()


@guarded
def instrument(client: Any = None, **settings: Any) -> tuple[str, ...]:
    """Count every billed request from now on, of clients made before and after. Calling it again changes nothing.

    `client` is the `langsmith.Client` to report through; by default one made from `LANGSMITH_…`, and with none of those
    set, one that talks to everytoken on this machine. `settings` are those of the client by name, such
    as `content="masked"`, and stand above `EVERYTOKEN_…`. Returns the names of the packages that are, or will be when
    they are imported, patched.
    """
    with _session.lock:
        if _session.recorder is None:
            chosen, faults = read_settings(given=settings)
            for fault in faults:
                logger.warning("everytoken: %s", fault)
            if chosen.export == "otel":
                load_tracing()
            exporter = _spans if chosen.export == "otel" else functools.partial(_runs, client, os.getpid())
            recorder = _session.recorder = Recorder(exporter, chosen)
            atexit.register(recorder.close)
            _patch("threading", threads_patch, recorder)
            hooks = {
                **{module: how for module, (_, how) in INTEGRATIONS.items()},
                "langsmith.client": other_runs.patch,
                "multiprocessing.util": processes.patch,
            }
            _session.watch = ImportWatch(
                {module: functools.partial(_patch, module, how, recorder) for module, how in hooks.items()}
            )
            _session.watch.start()
        return _installed()


@guarded
def uninstrument() -> None:
    """Restore every patched function, after what was recorded is sent."""
    with _session.lock:
        if _session.watch is not None:
            _session.watch.stop()
        _session.patches.restore()
        recorder, _session.recorder, _session.watch = _session.recorder, None, None
        if recorder is not None:
            atexit.unregister(recorder.close)
            recorder.close()


def flush(timeout_s: float = 10.0) -> bool:
    """Wait until everything recorded so far has left for the server; False when that took longer than `timeout_s`."""
    recorder = _session.recorder
    return True if recorder is None else bool(guarded(recorder.flush)(timeout_s))


def threads_patch(patches: Patches, recorder: Recorder) -> None:
    """Threads know of no recorder: they only hand on the current run."""
    threads.patch(patches)


def _patch(module: str, how: Callable[[Patches, Recorder], None], recorder: Recorder) -> None:
    try:
        how(_session.patches, recorder)
    except Exception as error:  # noqa: BLE001 one SDK we do not know must not cost the others
        failed(f"instrument {module}", error)


def _installed() -> tuple[str, ...]:
    return tuple(dict.fromkeys(package for package, _ in INTEGRATIONS.values() if _is_installed(package)))


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:
        return False


def _spans() -> Exporter:
    from everytoken.instrument.spans import Spans

    return Spans()


def _runs(client: Any, home_pid: int) -> Exporter:
    from everytoken.instrument.runs import LangSmithRuns

    if os.getpid() == home_pid:
        return LangSmithRuns(lambda: client or _own_client())
    # The child of a fork shares the sockets of every client there was.
    target = {} if client is None else {"api_url": client.api_url, "api_key": client.api_key}
    return LangSmithRuns(functools.partial(_own_client, **target), alone=True)


def _own_client(**target: Any) -> Any:
    """A client without threads, for everything: sampling leaves whole runs out, and usage is sent for all."""
    from langsmith import Client

    # An application that set no logging up must not hear on stderr of a server that is down.
    logging.getLogger("langsmith").addHandler(logging.NullHandler())
    if not target and not any(os.environ.get(name) for name in _NAMED):
        target = {"api_url": LOCAL_ENDPOINT, "api_key": "local"}
    return Client(auto_batch_tracing=False, tracing_sampling_rate=1.0, **target)
