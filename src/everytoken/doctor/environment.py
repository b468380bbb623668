"""E1–E5: what the tracing variables add up to, as the `langsmith` SDK resolves them (0.15.0, `langsmith/utils.py`)."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from everytoken.doctor.finding import Finding, bare, ok, redact, skipped

DEFAULT_ENDPOINT = "https://api.smith.langchain.com"
PROJECT = "eco2-chat-worker"
NAMES = ("TRACING_V2", "TRACING", "API_KEY", "PROJECT", "ENDPOINT", "WORKSPACE_ID", "TRACING_SAMPLING_RATE")
TRUISH = ("true", "1")

Environment = Mapping[str, str]


def effective(env: Environment, name: str) -> str | None:
    """The value the SDK takes: LANGSMITH_ before LANGCHAIN_, and a blank one counts as absent."""
    for namespace in ("LANGSMITH", "LANGCHAIN"):
        value = env.get(f"{namespace}_{name}")
        if value is not None and value.strip():
            return value
    return None


def endpoint(env: Environment) -> str:
    """Where runs go, without a slash at the end."""
    return (effective(env, "ENDPOINT") or DEFAULT_ENDPOINT).strip().strip("\"'").rstrip("/")


def api_key(env: Environment) -> str | None:
    found = effective(env, "API_KEY")
    return found.strip().strip("\"'") if found else None


def is_langsmith(url: str) -> bool:
    """Whether `url` is LangSmith's own service, which wants a key."""
    return (urlsplit(url).hostname or "").endswith("smith.langchain.com")


def check_environment(env: Environment) -> list[Finding]:
    return [_tracing(env), _key(env), _project(env), _conflicts(env), *_elsewhere(env)]


def _tracing(env: Environment) -> Finding:
    what = "Tracing is on"
    value = effective(env, "TRACING_V2") or effective(env, "TRACING")
    if value == "true":
        return ok("E1", what, "LANGSMITH_TRACING resolves to true")
    return Finding(
        "E1",
        "problem",
        what,
        "no tracing variable is set" if value is None else f"the value is {value!r}",
        "Tracing is off, so no run is sent."
        if value is None or value.strip().lower() not in ("true", "1", "yes", "on")
        else "The SDK compares with the lower-case word true and takes any other value for off.",
        "export LANGSMITH_TRACING=true LANGCHAIN_TRACING_V2=true",
    )


def _key(env: Environment) -> Finding:
    what = "The API key is usable"
    raw, url = effective(env, "API_KEY"), endpoint(env)
    if raw is None:
        if not is_langsmith(url):
            return skipped("E2", what, f"no key is set; {bare(url)} is not LangSmith's service and may want none")
        return Finding(
            "E2",
            "problem",
            what,
            "neither LANGSMITH_API_KEY nor LANGCHAIN_API_KEY is set",
            f"{bare(url)} answers 401 to runs without a key.",
            "export LANGSMITH_API_KEY=lsv2_pt_…",
        )
    fault = None
    if any(character.isspace() for character in raw):
        fault = "It holds white space, often a line end from a file or a secret."
    elif is_langsmith(url) and not raw.strip("\"'").startswith("lsv2_"):
        fault = "LangSmith's keys begin with lsv2_; this is another service's, or an old one."
    shown = f"{redact(raw.strip())} ({len(raw)} characters)"
    if fault is None:
        return ok("E2", what, shown)
    return Finding("E2", "problem", what, shown, fault, "export LANGSMITH_API_KEY=lsv2_pt_…  # no spaces, no line end")


def _project(env: Environment) -> Finding:
    what = "Runs have a project of their own"
    name = env.get("HOSTED_LANGSERVE_PROJECT_NAME") or effective(env, "PROJECT") or effective(env, "SESSION")
    if name is not None and name != "default":
        return ok("E3", what, f"project {name!r}")
    return Finding(
        "E3",
        "problem",
        what,
        "no project is set" if name is None else "the project is 'default'",
        "Runs land in the project `default`, among those of everyone else who set none.",
        f"export LANGSMITH_PROJECT={PROJECT}",
    )


def _conflicts(env: Environment) -> Finding:
    what = "No two variables contradict each other"
    found = [
        f"LANGSMITH_{name}={_shown(name, new)} wins over LANGCHAIN_{name}={_shown(name, old)}"
        for name in NAMES
        if (new := env.get(f"LANGSMITH_{name}", "").strip())
        and (old := env.get(f"LANGCHAIN_{name}", "").strip())
        and new != old
    ]
    old_on, new_on = effective(env, "TRACING_V2"), effective(env, "TRACING")
    if old_on and new_on and old_on != new_on:
        found.append(f"…_TRACING_V2={old_on} wins over …_TRACING={new_on}")
    if not found:
        return ok("E4", what, "LANGSMITH_ and LANGCHAIN_ agree")
    losers = " ".join(sorted({f"LANGCHAIN_{line.split('=')[0].split('_', 1)[1]}" for line in found if line[0] == "L"}))
    cure = f"unset {losers}" if losers else "unset LANGSMITH_TRACING_V2 LANGCHAIN_TRACING_V2"
    return Finding("E4", "problem", what, "; ".join(found), "The same setting is given twice, differently.", cure)


def _shown(name: str, value: str) -> str:
    return redact(value) if name == "API_KEY" else bare(value) if name == "ENDPOINT" else value


def _elsewhere(env: Environment) -> list[Finding]:
    what = "All runs are kept and go to one place"
    faults: list[Finding] = []

    def fault(evidence: str, cause: str, variable: str) -> None:
        cure = f"unset LANGSMITH_{variable} LANGCHAIN_{variable}"
        faults.append(Finding("E5", "problem", what, evidence, cause, cure))

    rate = effective(env, "TRACING_SAMPLING_RATE")
    if rate is not None and not _is_one(rate):
        fault(f"sampling rate {rate}", "Runs beyond this share are dropped in the app.", "TRACING_SAMPLING_RATE")
    mode = effective(env, "TRACING_MODE")
    if mode is None and (effective(env, "OTEL_ENABLED") or "").lower() in TRUISH:
        mode = "otel" if (effective(env, "OTEL_ONLY") or "").lower() in TRUISH else "hybrid"
    if mode is not None and mode.lower() not in ("langsmith", "hybrid"):
        target = bare(env.get("OTEL_EXPORTER_OTLP_ENDPOINT", "the default OTLP endpoint"))
        fault(f"tracing mode {mode}", f"Runs leave as OpenTelemetry spans to {target}.", "TRACING_MODE")
    if effective(env, "RUNS_ENDPOINTS"):
        fault("LANGSMITH_RUNS_ENDPOINTS is set", "Its list of endpoints replaces LANGSMITH_ENDPOINT.", "RUNS_ENDPOINTS")
    return faults or [ok("E5", what, f"every run, to {bare(endpoint(env))}")]


def _is_one(rate: str) -> bool:
    try:
        return float(rate) == 1.0
    except ValueError:
        return False
