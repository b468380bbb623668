"""P3: why a trace or a project shows 0, node by node and path by path, from what the server says of its charges."""

from collections import defaultdict
from typing import Any

from everytoken.doctor.api import Api, ApiError
from everytoken.doctor.finding import Finding, ok, skipped
from everytoken.query.cures import CURES, Said, cause_of

INSTRUMENT = "import everytoken\n\neverytoken.instrument()  # before the first client is made"


def explain_trace(api: Api, trace_id: str) -> list[Finding]:
    """One finding a node (or a call outside any node), in the order of the tree."""
    try:
        view = api.ask(f"/traces/{trace_id}")
    except ApiError as error:
        return [_unread(f"Trace {trace_id}", error)]
    charges = {charge["charge_key"]: charge for charge in view["charges"]}
    by_node: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for charge in charges.values():
        by_node[charge["node"] or "(no node)"].append(charge)
    nodes = dict.fromkeys(run["name"] for run in view["runs"] if run["is_node"]) | dict.fromkeys(by_node)
    uncounted = _uncounted(view["runs"])
    findings = [finding for node in nodes for finding in _node(node, by_node.get(node, []), uncounted.get(node, []))]
    if not charges and not uncounted:
        findings.append(_no_call(f"Trace {trace_id}", f"{len(view['runs'])} runs, none of type llm"))
    return findings


def explain_project(api: Api, project: str) -> list[Finding]:
    """One finding a call path and cause; one for a project whose runs hold no call at all."""
    try:
        summary, coverage = api.project(project, "summary"), api.project(project, "coverage")
    except ApiError as error:
        return [_unread(f"Project {project}", error)]
    if not summary["llm_calls"]:
        return [
            _no_call(f"Project {project}", f"{summary['traces']:,} traces, {summary['runs']:,} runs, 0 model calls")
        ]
    findings: list[Finding] = []
    for path in coverage["paths"]:
        what = f"Call path {path['call_path']} is counted"
        told = [cause for cause in path["causes"] if cause["kind"] == "usage"]
        for cause in told:
            evidence = (
                f"{cause['calls']:,} of {path['llm_calls']:,} calls ({cause['code']}), trace {cause['trace_ids'][0]}"
            )
            findings.append(Finding("P3", "problem", what, evidence, cause["text"], cause["snippet"]))
        if not told:
            findings.append(ok("P3", what, f"{path['llm_calls']:,} calls, {path['total_tokens']:,} tokens"))
    return findings


def _node(node: str, charges: list[dict[str, Any]], uncounted: list[dict[str, Any]]) -> list[Finding]:
    what = f"Node {node} is counted"
    findings = [_uncounted_run(what, run) for run in uncounted]
    for charge in charges:
        code = cause_of(_said(charge))
        if code is None:
            continue
        cure = CURES.get(code, CURES["not_priced"])
        verdict = ok if cure.kind == "none" else None
        flags = f", flags {', '.join(charge['flags'])}" if charge["flags"] else ""
        evidence = (
            f"{charge['call_path']} of {charge['response_model'] or charge['request_model'] or 'an unnamed model'}: "
            f"{charge['quality']} ({code}), seen by {', '.join(charge['layers_seen']) or charge['layer']}{flags}, "
            f"run {charge['run_id']}"
        )
        findings.append(
            verdict("P3", what, f"{evidence}. {cure.text}")
            if verdict
            else Finding("P3", "problem", what, evidence, cure.text, cure.snippet)
        )
    if findings:
        return findings
    if not charges:
        return [skipped("P3", what, "it calls no model: 0 tokens is the true number")]
    tokens = sum(charge["total_tokens"] or 0 for charge in charges)
    return [ok("P3", what, f"{len(charges)} calls, {tokens:,} tokens")]


def _said(charge: dict[str, Any]) -> Said:
    priced = charge["cost_usd"] is not None and charge["cost_status"] in ("priced", "approximate")
    return Said(
        call_path=charge["call_path"],
        quality=charge["quality"],
        unpriced_reason="" if priced else charge["cost_reason"] or "",
        layer=charge["layer"],
        status=charge["status"],
        is_cut="usage_stream_cut" in charge["flags"],
        is_one_sided="usage_side_missing" in charge["flags"],
    )


def _uncounted(runs: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """llm runs that stand behind no charge, by node: neither their own, nor part of a parent's or a child's."""
    return _by_node(
        [
            run
            for run in runs
            if run["run_type"] == "llm" and not run["charge_keys"] and not run["subtree"]["llm_calls"]
        ],
        {run["run_id"]: run for run in runs},
    )


def _by_node(runs: list[dict[str, Any]], by_id: dict[str, dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for run in runs:
        parent = by_id.get(run["parent_run_id"] or "")
        if parent is not None and parent["run_type"] == "llm" and parent["charge_keys"]:
            continue  # the parent's charge is this call
        found[run["node"] or "(no node)"].append(run)
    return found


def _uncounted_run(what: str, run: dict[str, Any]) -> Finding:
    if run["status"] in ("pending", "error"):
        code = "still_running" if run["status"] == "pending" else "call_failed"
        return ok("P3", what, f"{run['name']} ({run['run_id']}). {CURES[code].text}")
    flags = f", flags {', '.join(run['flags'])}" if run["flags"] else ""
    evidence = f"{run['name']} ({run['run_id']}) is an llm run without a charge{flags}"
    cause = "Neither it nor a run inside it says which model was called or what it used."
    return Finding("P3", "problem", what, evidence, cause, INSTRUMENT)


def _no_call(what: str, evidence: str) -> Finding:
    cause = "The app's steps are traced and its model calls are not: the client it calls with is not instrumented."
    return Finding("P3", "problem", f"{what} holds model calls", evidence, cause, INSTRUMENT)


def _unread(what: str, error: ApiError) -> Finding:
    if error.status == 404:
        cause = "No run of it arrived: see E1 to E5 and N1, in the process that should send."
        return Finding("P3", "problem", f"{what} is known", str(error), cause, "everytoken doctor")
    return Finding("P3", "unknown", f"{what} is known", str(error), None, "everytoken serve   # or: doctor --url URL")
