"""Where spans go: the application's own tracer provider, or one of ours where it has none."""

import contextlib
import importlib
import os
from typing import Any

LOCAL_TRACES = "http://127.0.0.1:8700/v1/traces"
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_EXPORTER = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
_SDK = "opentelemetry.sdk.trace"
_CURE = 'EVERYTOKEN_EXPORT=otel needs the OpenTelemetry SDK and its OTLP exporter: pip install "everytoken[otel]"'


def load_tracing() -> None:
    """Import what spans need while the application starts: its first call shall not wait, and an exit can't import."""
    for module in (_EXPORTER, _SDK, f"{_SDK}.export"):
        with contextlib.suppress(ImportError):  # told once there is a span to send
            importlib.import_module(module)


class Tracers:
    """The tracer to use now. An application may set its provider up after its first call."""

    def __init__(self) -> None:
        from opentelemetry import trace

        self._trace = trace
        self._own: Any = None
        self._used: tuple[Any, Any] = (None, None)

    @property
    def provider(self) -> Any:
        """The application's provider; ours, made at first use, while it has set none.

        Raises:
            RuntimeError: there is none, and the packages that ours is made of are not installed.
        """
        provider = self._trace.get_tracer_provider()
        # What the API hands out until somebody sets a provider has no way to send.
        if hasattr(provider, "force_flush") or hasattr(provider, "add_span_processor"):
            return provider
        if self._own is None:
            self._own = _made()
        return self._own

    def current(self) -> Any:
        """The tracer of the provider in use."""
        provider, tracer = self.provider, self._used[1]
        if self._used[0] is not provider:
            tracer = provider.get_tracer("everytoken")
            self._used = (provider, tracer)
        return tracer

    def flush(self, timeout_s: float) -> None:
        """Wait until what was handed over has left, or the time is over."""
        flush = getattr(self._used[0], "force_flush", None)
        if flush is not None:
            flush(int(timeout_s * 1_000))


def _made() -> Any:
    """A provider that only everytoken uses; `OTEL_…` says where to, else `LANGSMITH_…`, else this machine."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise RuntimeError(_CURE) from error
    exporter = OTLPSpanExporter() if any(os.environ.get(name) for name in _ENDPOINTS) else OTLPSpanExporter(**_target())
    # The recorder flushes it on exit; a hook of its own would close it before the last calls have ended.
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def _target() -> dict[str, Any]:
    """Where LangSmith's client would send, in OpenTelemetry's words."""
    from langsmith.utils import get_env_var, get_tracer_project

    url, key = get_env_var("ENDPOINT"), get_env_var("API_KEY")
    headers = {"Langsmith-Project": str(get_tracer_project()), **({"x-api-key": key} if key else {})}
    return {"endpoint": f"{url.rstrip('/')}/otel/v1/traces" if url else LOCAL_TRACES, "headers": headers}
