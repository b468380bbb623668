"""What a filter may speak of: each field's SQL over `run_versions` and the kind of value it is compared with."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "id", "time", "seconds", "number", "truth", "tags", "sum"]
PairPart = Literal["key", "value", "score", "comment", "source"]

THREAD_SQL = (
    "multiIf("
    "JSONExtractString(metadata.2, 'thread_id') != '', JSONExtractString(metadata.2, 'thread_id'), "
    "JSONExtractString(metadata.2, 'session_id') != '', JSONExtractString(metadata.2, 'session_id'), "
    "JSONExtractString(metadata.2, 'conversation_id'))"
)
"""`core.lineage.THREAD_KEYS`, the first one set; '' for none."""


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    kind: Kind
    sql: str
    lower: bool = False
    """True where values are stored in lower case and may be written in any."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One half of a key and value that belong to the same entry."""

    family: str
    part: PairPart


FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        Field("id", "id", "run_id"),
        Field("trace_id", "id", "trace_id"),
        Field("parent_run_id", "id", "parent_run_id"),
        Field("name", "text", "name.2"),
        Field("run_type", "text", "run_type.2", lower=True),
        Field("status", "text", "if(status.1 = 0, 'pending', status.2)", lower=True),
        Field("error", "text", "error.2"),
        Field("project", "text", "project"),
        Field("thread_id", "text", THREAD_SQL),
        Field("inputs", "text", "inputs.2"),
        Field("outputs", "text", "outputs.2"),
        Field("reference_example", "text", "JSONExtractString(extra.2, 'reference_example_id')", lower=True),
        Field("reference_example_id", "text", "JSONExtractString(extra.2, 'reference_example_id')", lower=True),
        Field("start_time", "time", "start_us"),
        Field("end_time", "time", "if(end_us.1 > 0, end_us.2, NULL)"),
        Field("first_token_time", "time", "if(first_token_us.1 > 0, first_token_us.2, NULL)"),
        Field("latency", "seconds", "if(end_us.1 > 0, greatest(end_us.2 - start_us, 0) / 1000000, NULL)"),
        Field("execution_order", "number", "if(is_root = 1, 1, 2)"),
        Field("is_root", "truth", "is_root = 1"),
        Field("tags", "tags", "tags.2"),
        Field("tag", "tags", "tags.2"),
        Field("total_tokens", "sum", "total_tokens"),
        Field("prompt_tokens", "sum", "prompt_tokens"),
        Field("completion_tokens", "sum", "completion_tokens"),
        Field("total_cost", "sum", "total_cost"),
        Field("prompt_cost", "sum", "prompt_cost"),
        Field("completion_cost", "sum", "completion_cost"),
    )
}

JSON_COLUMNS = {"metadata": "metadata.2", "input": "inputs.2", "output": "outputs.2"}
"""Family of a key and value pair → the column that holds it as a JSON object."""

PAIRS: dict[str, Pair] = {
    **{f"{family}_{part}": Pair(family, part) for family in JSON_COLUMNS for part in ("key", "value")},
    **{f"feedback_{part}": Pair("feedback", part) for part in ("key", "score", "value", "comment", "source")},
}

SEARCHED: dict[str, Literal["json", "text"]] = {
    "inputs": "json",
    "outputs": "json",
    "name": "text",
    "error": "text",
    "metadata": "json",
}
