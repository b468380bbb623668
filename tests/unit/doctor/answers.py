"""A server made of answers: what the product API says, by path, behind a transport."""

import copy
from typing import Any

import httpx

from everytoken.doctor.api import Api

NOTHING = {
    "llm_calls": 0,
    "input_tokens": 0,
    "output_tokens": 0,
    "total_tokens": 0,
    "unpriced_calls": 0,
    "cost_known_usd": "0",
}
CALL = {
    "llm_calls": 1,
    "input_tokens": 47,
    "output_tokens": 12,
    "total_tokens": 59,
    "unpriced_calls": 0,
    "cost_known_usd": "0.00025025",
}


def charge(**changed: Any) -> dict[str, Any]:
    """One exact, priced call of node `intent`."""
    return {
        "charge_key": "c1",
        "trace_id": "t1",
        "run_id": "r1",
        "node": "intent",
        "call_path": "openai.chat",
        "request_model": "gpt-5.2",
        "response_model": None,
        "quality": "exact",
        "layer": "framework",
        "layers_seen": ["framework"],
        "input_tokens": 47,
        "output_tokens": 12,
        "total_tokens": 59,
        "cost_usd": "0.00025025",
        "cost_status": "priced",
        "cost_reason": None,
        "status": "success",
        "flags": [],
        **changed,
    }


def run(name: str, **changed: Any) -> dict[str, Any]:
    """A LangGraph node that calls no model."""
    return {
        "run_id": f"run-{name}",
        "parent_run_id": None,
        "name": name,
        "run_type": "chain",
        "node": name,
        "is_node": True,
        "status": "success",
        "charge_keys": [],
        "subtree": NOTHING,
        "flags": [],
        **changed,
    }


def server() -> dict[str, Any]:
    """One project with one call, everything in order."""
    return {
        "/health": {
            "version": "0.1.0",
            "schema_version": 1,
            "projects": 1,
            "counters": {"journal_bytes": 0, "dropped": 0, "rejected": 0, "settle_lag_ms": 40},
        },
        "/flush": {"flushed": True, "waited_ms": 12.0},
        "/projects": {"projects": [{"project": "shop"}]},
        "/projects/shop/summary": {**CALL, "project": "shop", "traces": 1, "runs": 3},
        "/projects/shop/models": {"models": [CALL]},
        "/projects/shop/coverage": {
            "paths": [{"call_path": "openai.chat", "llm_calls": 1, "total_tokens": 59, "causes": []}]
        },
        "/charges": {"charges": [charge()], "next": None},
        "/prices": {"prices": []},
        "/traces/t1": {"runs": [run("intent"), run("router")], "charges": [charge()]},
    }


def api(answers: dict[str, Any], url: str = "http://127.0.0.1:8700") -> Api:
    def handler(request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/everytoken/v1")
        if path not in answers:
            return httpx.Response(404, json={"error": f"nothing at {path}"})
        found = answers[path]
        if isinstance(found, int):
            return httpx.Response(found, json={"error": "not now"})
        if isinstance(found, list):  # one answer after the other
            return httpx.Response(200, json=found.pop(0))
        return httpx.Response(200, json=copy.deepcopy(found))

    return Api(httpx.Client(transport=httpx.MockTransport(handler)), url)


def silent() -> Api:
    def handler(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Connection refused")

    return Api(httpx.Client(transport=httpx.MockTransport(handler)), "http://127.0.0.1:8700")
