"""K1–K4: what runs in the cluster, asked with `kubectl`. Nothing is changed; secrets' values are not asked for."""

import json
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from everytoken.doctor.environment import api_key, check_environment
from everytoken.doctor.finding import Finding, ok, redact, skipped
from everytoken.doctor.manifests import LANGSMITH_HOST

TIMEOUT_S = 20
LOG_LINES = 2_000
WHAT = {
    "K1": "The pod has the tracing variables",
    "K2": "The mesh lets the traces out",
    "K3": "The pods started after the secret last changed",
    "K4": "The worker's log speaks of no tracing trouble",
}
TROUBLES: tuple[tuple[str, str, str], ...] = (
    (r"\b(401|403|unauthorized|forbidden)\b", "the key is refused", "see E2 and N1 inside the pod"),
    (r"\b(429|rate limit)", "the service limits the rate", "lower the traffic, or send to a server of your own"),
    (r"time(d )?out|timeout", "requests time out", "see K2: is the host allowed out of the mesh?"),
    (
        r"queue.*full|full.*queue",
        "the client's queue is full and runs are dropped",
        "is the endpoint reachable? see N1",
    ),
    (r"connection|connect error|name resolution", "the endpoint cannot be reached", "see K2 and N1"),
)


@dataclass(frozen=True, slots=True)
class Target:
    """Which workload to look at."""

    namespace: str = "chat"
    deployment: str = "chat-worker"
    secret: str = "chat-worker-secrets"  # noqa: S105  the name of one
    context: str | None = None


class KubectlError(Exception):
    """kubectl is not there, or says no; the text is its own."""


Kubectl = Callable[[Sequence[str]], str]


def kubectl(arguments: Sequence[str]) -> str:
    """What kubectl prints.

    Raises:
        KubectlError: see there.
    """
    try:
        done = subprocess.run(  # noqa: S603  no shell; the arguments are ours
            ["kubectl", *arguments],  # noqa: S607  the user's own, as in the terminal
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise KubectlError(f"{type(error).__name__}") from error
    if done.returncode:
        raise KubectlError((done.stderr.strip().splitlines() or ["no reason given"])[-1][:300])
    return done.stdout


def check_cluster(target: Target, run: Kubectl = kubectl) -> list[Finding]:
    """K1–K4, or K1–K4 skipped when there is no kubectl or no context."""
    try:
        context = target.context or run(["config", "current-context"]).strip()
    except KubectlError as error:
        return [skipped(check, what, f"no cluster is configured: {error}") for check, what in WHAT.items()]

    def ask(*arguments: str) -> str:
        return run(["--context", context, *arguments])

    checks = {"K1": _pod_env, "K2": _service_entry, "K3": _stale, "K4": _logs}
    findings: list[Finding] = []
    for check, work in checks.items():
        try:
            findings.append(work(target, ask))
        except (KubectlError, ValueError, KeyError, TypeError, AttributeError) as error:
            findings.append(Finding(check, "unknown", WHAT[check], f"kubectl: {error}"))
    return findings


def _pod_env(target: Target, ask: Callable[..., str]) -> Finding:
    printed = ask("-n", target.namespace, "exec", f"deployment/{target.deployment}", "--", "env")
    env = dict(line.split("=", 1) for line in printed.splitlines() if line.startswith(("LANGCHAIN_", "LANGSMITH_")))
    faults = [found for found in check_environment(env) if found.verdict == "problem"]
    key = api_key(env)
    shown = f"{len(env)} variables, key {redact(key) if key else 'not set'}"
    if not faults:
        return ok("K1", WHAT["K1"], shown)
    cure = (
        f"kubectl -n {target.namespace} set env deployment/{target.deployment} "
        "LANGCHAIN_TRACING_V2=true LANGCHAIN_PROJECT=eco2-chat-worker"
    )
    evidence = "; ".join(f"{found.id}: {found.evidence}" for found in faults)
    return Finding("K1", "problem", WHAT["K1"], f"{shown}; {evidence}", faults[0].cause, cure)


def _service_entry(target: Target, ask: Callable[..., str]) -> Finding:
    entries: list[dict[str, Any]] = json.loads(ask("get", "serviceentry", "-A", "-o", "json"))["items"]
    for entry in entries:
        spec = entry.get("spec") or {}
        if LANGSMITH_HOST not in (spec.get("hosts") or ()):
            continue
        name = f"{entry['metadata'].get('namespace')}/{entry['metadata']['name']}"
        if spec.get("location") == "MESH_EXTERNAL" and any(p.get("number") == 443 for p in spec.get("ports") or ()):
            return ok("K2", WHAT["K2"], f"ServiceEntry {name}")
        cause = "It needs port 443 and location MESH_EXTERNAL."
        cure = "kubectl apply -f deploy/k8s/base/chat-worker/service-entry.yaml"
        return Finding("K2", "problem", WHAT["K2"], f"ServiceEntry {name} is not a way out", cause, cure)
    cure = f"kubectl -n {target.namespace} apply -f deploy/k8s/base/chat-worker/service-entry.yaml"
    cause = "With REGISTRY_ONLY egress the mesh refuses hosts without an entry."
    return Finding("K2", "problem", WHAT["K2"], f"no ServiceEntry names {LANGSMITH_HOST}", cause, cure)


def _stale(target: Target, ask: Callable[..., str]) -> Finding:
    # Only the metadata is printed: the time of the last change stands in managedFields.
    metadata = json.loads(
        ask(
            "-n",
            target.namespace,
            "get",
            "secret",
            target.secret,
            "--show-managed-fields",
            "-o",
            "jsonpath={.metadata}",
        )
    )
    times = [field["time"] for field in metadata.get("managedFields") or () if field.get("time")]
    changed = max(map(_time, [*times, metadata["creationTimestamp"]]))
    pods = json.loads(ask("-n", target.namespace, "get", "pods", "-l", f"app={target.deployment}", "-o", "json"))
    items = pods["items"]
    if not items:
        return Finding("K3", "unknown", WHAT["K3"], f"no pod is labelled app={target.deployment}")
    stale = [pod["metadata"]["name"] for pod in items if _time(pod["status"]["startTime"]) < changed]
    if not stale:
        return ok("K3", WHAT["K3"], f"{len(items)} pods, secret changed {changed:%Y-%m-%d %H:%M} UTC")
    cause = "A pod keeps the value a variable had when it started; a renewed secret reaches new pods alone."
    cure = f"kubectl -n {target.namespace} rollout restart deployment/{target.deployment}"
    evidence = f"older than the secret ({changed:%Y-%m-%d %H:%M} UTC): {', '.join(stale)}"
    return Finding("K3", "problem", WHAT["K3"], evidence, cause, cure)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _logs(target: Target, ask: Callable[..., str]) -> Finding:
    printed = ask("-n", target.namespace, "logs", f"deployment/{target.deployment}", f"--tail={LOG_LINES}")
    lines = [line for line in printed.splitlines() if re.search("langsmith|everytoken", line, re.IGNORECASE)]
    seen: Counter[str] = Counter()
    cures: dict[str, str] = {}
    for line in lines:
        for pattern, cause, cure in TROUBLES:
            if re.search(pattern, line, re.IGNORECASE):
                seen[cause] += 1
                cures[cause] = cure
                break
    if not seen:
        return ok("K4", WHAT["K4"], f"{len(lines)} of the last {LOG_LINES} lines are about tracing")
    cause, count = seen.most_common(1)[0]
    evidence = ", ".join(f"{number} × {text}" for text, number in seen.most_common())
    return Finding("K4", "problem", WHAT["K4"], evidence, f"Mostly ({count}): {cause}.", f"# {cures[cause]}")
