"""One answer of each kind that others build on, for the OpenAPI document: a small shop that asked one model once.

100 input tokens, of which 40 came from the provider's cache, and 20 output tokens of gpt-5.2 on 2026-11-22: 60 × $1.75,
40 × $0.175 and 20 × $14 a million are $0.000392.
"""

from typing import Any

from everytoken.server.parameters import RUN, TRACE

NOON_US = 1_795_348_800_000_000
TOTALS: dict[str, Any] = {
    "llm_calls": 1,
    "input_tokens": 100,
    "output_tokens": 20,
    "total_tokens": 120,
    "cache_read_tokens": 40,
    "reasoning_tokens": 0,
    "cost_usd": "0.000392",
    "cost_known_usd": "0.000392",
    "unpriced_calls": 0,
    "quality": {"exact": 1, "partial": 0, "estimated": 0, "missing": 0},
}
LINES = [
    {"token_class": "input", "count": "60", "rate_usd": "1.75", "per": 1_000_000, "usd": "0.000105"},
    {"token_class": "cache_read", "count": "40", "rate_usd": "0.175", "per": 1_000_000, "usd": "0.000007"},
    {"token_class": "output", "count": "20", "rate_usd": "14", "per": 1_000_000, "usd": "0.00028"},
]
PRICE = {"price_entry": "openai/gpt-5.2", "price_source": "genai-prices 0.2.3"}
EXAMPLES: dict[str, dict[str, Any]] = {
    "Problem": {
        "error": "no project 'shopp'",
        "code": "project_not_found",
        "field": "path.project",
        "hint": "a project appears with its first run",
        "position": None,
    },
    "Summary": {
        **TOTALS,
        "project": "shop",
        "traces": 1,
        "runs": 3,
        "errors": 0,
        "p50_ms": 2100.0,
        "p95_ms": 2100.0,
        "from_us": None,
        "to_us": None,
    },
    "ChargeRow": {
        "charge_key": "chatcmpl-9fK2",
        "project": "shop",
        "trace_id": TRACE,
        "run_id": RUN,
        "run_ids": [RUN],
        "node": "answer",
        "thread_id": "support-4711",
        "user_id": "kim",
        "release": "1.4.0",
        "call_path": "openai.chat",
        "provider": "openai",
        "request_model": "gpt-5.2",
        "response_model": "gpt-5.2",
        "response_id": "chatcmpl-9fK2",
        "tier": "default",
        "quality": "exact",
        "layer": "transport",
        "layers_seen": ["transport", "framework"],
        "input_tokens": 100,
        "output_tokens": 20,
        "total_tokens": 120,
        "input_token_details": {"cache_read": 40},
        "output_token_details": {},
        "meters": {},
        "cost_usd": "0.000392",
        "cost_status": "priced",
        "cost_reason": None,
        "cost_lines": LINES,
        **PRICE,
        "status": "success",
        "started_at": NOON_US,
        "duration_ms": 2000.0,
        "ttft_ms": 310.5,
        "flags": [],
        "raw_usage": {"prompt_tokens": 100, "completion_tokens": 20, "prompt_tokens_details": {"cached_tokens": 40}},
    },
    "TraceRow": {
        **TOTALS,
        "trace_id": TRACE,
        "project": "shop",
        "name": "LangGraph",
        "status": "success",
        "start_us": NOON_US,
        "duration_ms": 2100.0,
        "ttft_ms": 410.5,
        "runs": 3,
        "models": ["gpt-5.2"],
        "thread_id": "support-4711",
        "user_id": "kim",
        "tags": ["beta"],
        "input_preview": "Where is my order?",
        "output_preview": "It left Busan this morning.",
        "error": None,
        "rootless": False,
    },
    "NodeRow": {
        **TOTALS, "node": "answer", "executions": 1, "errors": 0, "p50_ms": 2050.0, "p95_ms": 2050.0, "share": 1.0,
    },
    "ModelRow": {
        **TOTALS, "provider": "openai", "model": "gpt-5.2", "errors": 0, "p50_ms": 2000.0, "p95_ms": 2000.0,
        "ttft_p50_ms": 310.5, "share": 1.0,
    },
    "SeriesPoint": {
        **TOTALS, "start_us": NOON_US, "errors": 0, "p50_ms": 2000.0, "p95_ms": 2000.0, "ttft_p50_ms": 310.5,
        "ttft_p95_ms": 310.5,
    },
    "CoverageRow": {
        **TOTALS, "call_path": "openai.chat", "reports": True, "first_us": NOON_US, "last_us": NOON_US, "causes": [],
    },
    "ExplainRow": {**LINES[0], "calls": 1, **PRICE},
    "RepriceBody": {"project": "shop", "from": "2026-11-01", "to": "2026-12-01", "apply": False, "cursor": None},
    "OverrideBody": {
        "toml": '[[price]]\nprovider = "openai"\nmodels = ["acme-7b"]\n'
        'rates = { input_mtok = 0.2, output_mtok = 0.6 }\nsource = "our contract"\nchecked = 2026-11-01\n'
    },
}  # fmt: skip
"""Name of a schema → one value of it."""
