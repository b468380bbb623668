"""What ingest did since the start: nothing is lost without a figure here."""

from dataclasses import dataclass


@dataclass(slots=True)
class Counters:
    accepted_bodies: int = 0
    accepted_operations: int = 0
    """Posts and patches acknowledged."""
    refused: int = 0
    """Bodies answered with 503, full or stopping, or with 408 for being slow; they may come again."""
    rejected: int = 0
    """Parts, and whole bodies, that are wrong however often they are sent."""
    dropped: int = 0
    """Accepted, then lost: traces that the ledger cannot take, bodies that can no longer be decoded."""
    deleted: int = 0
    """Operations that came after what they are about was deleted."""
    duplicates: int = 0
    """Bodies and operations that said nothing new."""
    settle_failures: int = 0
    price_failures: int = 0
    ledger_failures: int = 0
    """Flushes that had to be tried again."""
    flushes: int = 0
    runs_written: int = 0
    charges_written: int = 0
    traces_left: int = 0
    """Traces that left memory; they are read back when they move again."""
    traces_restored: int = 0
