"""S1–S7, P2 and P4: the server itself, and whether every view of a project adds up to its charges."""

import shutil
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from everytoken import __version__
from everytoken.config import Settings
from everytoken.doctor.api import Api, ApiError
from everytoken.doctor.finding import Finding, ok, skipped
from everytoken.doctor.placement import check_placement
from everytoken.doctor.times import check_price_age, check_times
from everytoken.server.listen import is_loopback
from everytoken.store.folder import SCHEMA_VERSION

FREE_MIN_BYTES = 1024**3  # the journal may grow to 2 GiB, and a merge of the ledger needs its size again
LAG_MAX_MS = 5_000  # a flush takes a quarter of a second when nothing is wrong
MAX_PROJECTS = 20
PAGE = 500
MAX_PAGES = 20
"""Charges compared one by one: 10,000 a project. Beyond it the views are compared with one another alone."""

FIGURES = ("llm_calls", "input_tokens", "output_tokens", "total_tokens", "unpriced_calls", "cost_known_usd")


def check_server(
    api: Api,
    settings: Settings,
    *,
    project: str | None = None,
    usage: Callable[[Path], Any] = shutil.disk_usage,
    today: date | None = None,
) -> list[Finding]:
    """All of the server's checks; the first alone when it does not answer."""
    what = "The server answers"
    try:
        health = api.ask("/health")
    except ApiError as error:
        cause = "It is not running, listens elsewhere, or wants a key."
        return [Finding("S1", "unknown", what, str(error), cause, "everytoken serve   # or: doctor --url URL")]
    findings = [
        ok("S1", what, f"{api.url}, everytoken {health['version']}, {health['projects']} projects"),
        _disk(api, settings, usage),
        *_journal(api, health["counters"], settings),
        _schema(health),
        *check_times(api, health["counters"]),
    ]
    try:
        names = [project] if project else [row["project"] for row in api.ask("/projects")["projects"]][:MAX_PROJECTS]
        for name in names:
            charges, complete = _charges(api, name)
            findings += [_sums(api, name, charges, complete=complete), check_placement(name, charges)]
        return [*findings, *_prices(api, names), *check_price_age(api, today)]
    except ApiError as error:
        return [*findings, Finding("S5", "unknown", "Σ charges = Σ views", str(error))]


def _disk(api: Api, settings: Settings, usage: Callable[[Path], Any]) -> Finding:
    what, folder = "The disk has room", settings.data_dir
    if not is_loopback(urlsplit(api.url).hostname or "") or not folder.is_dir():
        return skipped("S2", what, "the server's data folder is not on this machine, or not where EVERYTOKEN_DATA says")
    free = usage(folder).free
    evidence = f"{free / 1024**3:.1f} GiB free at {folder}"
    if free >= FREE_MIN_BYTES:
        return ok("S2", what, evidence)
    cause = "A full disk refuses ingest with 503 before anything is lost, but refuses all of it."
    return Finding(
        "S2", "problem", what, evidence, cause, f"du -sh {folder}/*   # then free some, or move EVERYTOKEN_DATA"
    )


def _journal(api: Api, counters: dict[str, int], settings: Settings) -> list[Finding]:
    lag, lost = "What is acknowledged becomes visible soon", "Nothing acknowledged was lost"
    used = counters.get("journal_bytes", 0)
    try:
        waited_ms = api.ask("/flush", method="POST")["waited_ms"]
    except ApiError as error:
        cause = "The ledger does not take what the journal holds; nothing is lost, it waits."
        first = Finding("S3", "problem", lag, str(error), cause, "curl -s " + api.url + "/everytoken/v1/health")
    else:
        evidence = f"flushed in {waited_ms:.0f} ms, {used:,} bytes in the journal"
        if waited_ms > LAG_MAX_MS or used > settings.journal_max_bytes // 2:
            cause = "More comes in than the ledger takes, or the disk is slow."
            first = Finding("S3", "problem", lag, evidence, cause, "export EVERYTOKEN_FLUSH_INTERVAL_MS=1000")
        else:
            first = ok("S3", lag, evidence)
    bad = {
        name: counters[name]
        for name in ("dropped", "rejected", "settle_failures", "price_failures", "ledger_failures")
        if counters.get(name)
    }
    if not bad:
        return [first, ok("S3", lost, "nothing dropped, rejected or failed since the start")]
    evidence = ", ".join(f"{count:,} {name}" for name, count in bad.items())
    cause = "Rejected is wrong however often sent; dropped and failed are the server's own and stand in its log."
    return [first, Finding("S3", "problem", lost, evidence, cause, "EVERYTOKEN_LOG_LEVEL=info everytoken serve")]


def _schema(health: dict[str, Any]) -> Finding:
    what = "Server and command are of one schema"
    evidence = (
        f"server {health['version']} schema {health['schema_version']}, here {__version__} schema {SCHEMA_VERSION}"
    )
    if health["schema_version"] == SCHEMA_VERSION:
        return ok("S4", what, evidence)
    cause = "Server and command are of different versions; figures may be read wrongly."
    return Finding("S4", "problem", what, evidence, cause, f"pip install 'everytoken[server]=={health['version']}'")


def _sums(api: Api, project: str, listed: list[dict[str, Any]], *, complete: bool) -> Finding:
    what = f"Σ charges = Σ views ({project})"
    summary = _figures(api.project(project, "summary"))
    views = {"models": _added(api.project(project, "models")["models"])}
    if complete:
        views["charges"] = _billed(listed)
    faults = [
        f"{name}.{key} {figures[key]} ≠ summary {summary[key]}"
        for name, figures in views.items()
        for key in FIGURES
        if figures[key] != summary[key]
    ]
    if not faults:
        shown = f"{summary['llm_calls']:,} calls, {summary['total_tokens']:,} tokens, ${summary['cost_known_usd']}"
        bound = "" if complete else f"; more than {PAGE * MAX_PAGES:,} charges, compared by model alone"
        return ok("S5", what, shown + bound)
    cause = "Runs came in between two questions, or a view is wrong: ask again while nothing is sent."
    return Finding(
        "S5", "problem", what, "; ".join(faults), cause, f"everytoken doctor --url {api.url} --project {project}"
    )


def _figures(row: dict[str, Any]) -> dict[str, Decimal]:
    return {key: Decimal(row[key] or 0) for key in FIGURES}


def _added(rows: list[dict[str, Any]]) -> dict[str, Decimal]:
    return {key: sum((Decimal(row[key] or 0) for row in rows), Decimal(0)) for key in FIGURES}


KEPT = (
    "trace_id",
    "run_id",
    "flags",
    "quality",
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "cost_usd",
    "cost_status",
)
"""Of a charge: ten thousand of them as a whole would be 30 MB."""


def _charges(api: Api, project: str) -> tuple[list[dict[str, Any]], bool]:
    """The newest charges, and whether they are all."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    for _page in range(MAX_PAGES):
        page = api.ask("/charges", project=project, limit=PAGE, **_after(cursor))
        found += [{name: charge.get(name) for name in KEPT} for charge in page["charges"]]
        cursor = page.get("next")
        if not cursor:
            return found, True
    return found, False


def _after(cursor: str | None) -> dict[str, Any]:
    return {"cursor": cursor} if cursor else {}


def _billed(charges: list[dict[str, Any]]) -> dict[str, Decimal]:
    """The same figures added up charge by charge, without estimates as there."""
    total = dict.fromkeys(FIGURES, Decimal(0))
    for charge in charges:
        total["llm_calls"] += 1
        if charge["quality"] != "estimated":
            for key in ("input_tokens", "output_tokens", "total_tokens"):
                total[key] += charge[key] or 0
        if charge["cost_usd"] is not None and charge["cost_status"] in ("priced", "approximate"):
            total["cost_known_usd"] += Decimal(charge["cost_usd"])
        else:
            total["unpriced_calls"] += 1
    return total


def _prices(api: Api, projects: list[str]) -> list[Finding]:
    what = "Every model that was called has a price"
    findings: list[Finding] = []
    for project in projects:
        for path in api.project(project, "coverage")["paths"]:
            for cause in path["causes"]:
                if cause["kind"] != "price":
                    continue
                models = ", ".join(cause["models"]) or "a call without a model name"
                evidence = f"{project}: {models}, {cause['calls']:,} calls on {path['call_path']} ({cause['code']})"
                cure = f"everytoken prices missing --url {api.url} --project {project}"
                findings.append(Finding("P4", "problem", what, evidence, cause["text"], cure))
    return findings or [ok("P4", what, f"{len(projects)} projects")]
