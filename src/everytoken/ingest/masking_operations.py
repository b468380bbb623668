"""Masks of one operation, before servers that share a ledger see what one of them received."""

from dataclasses import replace
from typing import Any

from everytoken.core.run import Run
from everytoken.ingest.masking import Mask
from everytoken.wire.operations import Operation

CONTENT = ("name", "tags", "inputs", "outputs", "events", "error", "metadata", "extra")
"""Fields of an operation that masks look into, as in a run."""


def masked(operation: Operation, mask: Mask, project: str) -> Operation:
    """The operation without what the project's masks match. Counts, ids and names of models stay: so do all numbers."""
    told: dict[str, Any] = {name: operation.body[name] for name in CONTENT if name in operation.body}  # type: ignore[literal-required]  # keys of RunFields
    run = Run(run_id=operation.run_id, trace_id=operation.run_id, project=project, start_us=0, **told)
    clean = mask(run)
    if clean is run:
        return operation
    fields: dict[str, Any] = {**operation.body, **{name: getattr(clean, name) for name in told}}
    return replace(operation, body=fields)  # type: ignore[arg-type]  # the same keys
