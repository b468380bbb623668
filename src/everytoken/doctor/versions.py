"""V1, P5: the SDKs are in the ranges we are tested with; a short process sends its runs before it ends."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from importlib import metadata

from packaging.requirements import Requirement

from everytoken.doctor.environment import Environment
from everytoken.doctor.finding import Finding, ok, skipped
from everytoken.doctor.listening import listening

WATCHED = ("langsmith", "langchain-core", "langgraph", "openai", "openai-agents", "google-genai")
FLUSH_WAIT_S = 30.0

_ONE_RUN = """
from langsmith import traceable

@traceable(run_type="chain", name="everytoken doctor")
def once():
    return "done"

once()
"""


def _required() -> list[str]:
    return metadata.requires("everytoken") or []


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def check_versions(
    installed: Callable[[str], str | None] = _installed, required: Callable[[], Sequence[str]] = _required
) -> list[Finding]:
    """One finding for all that fit, one for each that does not. Packages that are not installed are not in use."""
    ranges = {found.name: found.specifier for found in map(Requirement, required()) if found.name in WATCHED}
    fit: list[str] = []
    findings: list[Finding] = []
    for name in WATCHED:
        version = installed(name)
        if version is None or name not in ranges:
            continue
        if ranges[name].contains(version, prereleases=True):
            fit.append(f"{name} {version}")
            continue
        cause = "Response shapes change between major versions; usage may be read from the wrong place."
        findings.append(
            Finding(
                "V1",
                "problem",
                f"{name} is in the tested range",
                f"{name} {version}, tested {ranges[name]}",
                cause,
                f"pip install '{name}{ranges[name]}'",
            )
        )
    if fit:
        findings.append(ok("V1", "SDK versions are in the tested ranges", ", ".join(fit)))
    return findings or [skipped("V1", "SDK versions are in the tested ranges", "no watched SDK is installed")]


def check_flush(env: Environment, *, wait_s: float = FLUSH_WAIT_S) -> Finding:
    """Run a process that makes one run and ends; see on a loopback port of our own whether the run got out."""
    what = "A short process sends its runs before it ends"
    arrived = threading.Event()
    with listening(lambda _body, _headers: arrived.set()) as url:
        own = {name: value for name, value in env.items() if name not in _REPLACED}
        child = own | {"LANGSMITH_ENDPOINT": url, "LANGSMITH_TRACING": "true", "LANGSMITH_API_KEY": "lsv2_doctor"}
        began = time.monotonic()
        try:
            done = subprocess.run(  # noqa: S603  our own interpreter and our own program
                [sys.executable, "-c", _ONE_RUN], env=child, capture_output=True, text=True, timeout=wait_s, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return Finding("P5", "unknown", what, f"the process could not be watched: {type(error).__name__}")
    if arrived.is_set():
        return ok("P5", what, f"1 of 1 run arrived; the process took {time.monotonic() - began:.1f} s")
    said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1][:200]
    cause = "Its sender was ended with the process (USE_DAEMON), or the run was sampled away or sent elsewhere."
    cure = "from langsmith import Client\n\nClient().flush()  # at the end of the program; see also E5"
    return Finding("P5", "problem", what, f"0 of 1 run arrived, exit {done.returncode}: {said}", cause, cure)


_REPLACED = {
    f"{namespace}_{name}"
    for namespace in ("LANGSMITH", "LANGCHAIN")
    for name in ("ENDPOINT", "TRACING", "TRACING_V2", "API_KEY")
}
