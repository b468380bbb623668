"""What a parameter means wherever its name stands, with an example: one word, one meaning, on every route.

A route says more where it wants to; what it says stays.
"""

from typing import Any

TRACE = "0190f2b4-6c1e-7d3a-8f00-5a2b3c4d5e6f"
RUN = "0190f2b4-7a00-7b1c-9e11-6b3c4d5e6f70"

PARAMETERS: dict[str, tuple[str, Any]] = {
    "action": ("What was done.", "key.create"),
    "at": ("Time of the price.", "2026-11-22T09:30:00Z"),
    "before_from": ("Start of the window to compare with.", "2026-11-20T00:00:00Z"),
    "before_to": ("Its exclusive end.", "2026-11-21T00:00:00Z"),
    "bucket": ("Length of a bucket of time; without it, what suits the window.", "hour"),
    "buckets": ("How many buckets of values, at most.", 40),
    "by": ("Dimension that splits the charges.", "model"),
    "charge_key": ("Key of a charge, unique within its trace.", "openai:chatcmpl-9fK2"),
    "charges": ("Whether the charges are concerned too.", False),
    "cursor": ("`next` of the page before.", None),
    "days": ("How many days back.", 7),
    "filter": ("A condition of the filter language over traces.", 'and(eq(model, "gpt-5.2"), gt(latency, "5s"))'),
    "from": ("Start of the window, inclusive.", "2026-11-22T00:00:00Z"),
    "key": ("Value of the dimension; empty where charges do not say.", "gpt-5.2"),
    "key_id": ("Id of a key, as the list of keys tells it.", "k_3f9a1c"),
    "last-event-id": ("Id of the last event seen: go on after it.", "1795348800000123"),
    "limit": ("How many at most.", 50),
    "model": ("A model's name, as providers and runs write it.", "gpt-5.2"),
    "name": ("Its name.", "kim"),
    "node": ("Name of a LangGraph node.", "answer"),
    "of": ("What is measured.", "latency"),
    "project": ("Project name.", "shop"),
    "provider": ("Who serves and bills, such as `openai`, `google` or `azure-openai`.", "openai"),
    "q": ("The text that is looked for.", "refund"),
    "rule_id": ("Id of an alert rule, as the list of rules tells it.", "0190f2b4-9b22-7c2d-8a33-7c4d5e6f7081"),
    "run_id": ("Id of a run.", RUN),
    "scale": ("How the edges of the buckets of values lie.", "auto"),
    "sort": ("`-` for descending; unknown values come last.", "-cost"),
    "subject": ("What it was done to.", "shop"),
    "thread_id": ("Id of a thread (conversation), as the application named it.", "support-4711"),
    "tier": ("Service tier of a price, such as `flex` or `priority`.", "flex"),
    "to": ("End of the window, exclusive.", "2026-11-23T00:00:00Z"),
    "top": ("Groups shown apart; the rest becomes one.", 8),
    "trace_id": ("Id of a trace.", TRACE),
    "tz": ("IANA time zone; the project's without it.", "Asia/Seoul"),
    "user": ("Id of a user, as the application named it.", "kim"),
}
"""Name → what it means, and one value of it; `None` where no value means anything outside of a conversation."""
