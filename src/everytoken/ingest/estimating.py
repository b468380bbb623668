"""Estimates for calls that succeeded and never told their usage. They stay outside of everything that is billed."""

import logging
from dataclasses import replace

from everytoken.catalog.estimate import Encoding, estimate_run, load_encoding
from everytoken.core.charge import Charge
from everytoken.core.run import Run
from everytoken.core.usage import Usage
from everytoken.store.columns import dump

MAX_TOKENISED_CHARS = 200_000
"""JSON of one run up to which the tokeniser counts, some 50 ms of work; longer ones are estimated by their bytes."""
MAX_ESTIMATED_CHARS = 4_000_000
"""Beyond it a run is not estimated at all."""

log = logging.getLogger("everytoken.ingest")


class Estimator:
    """Used by the flusher's thread; the vocabulary is loaded by the first estimate."""

    def __init__(self, encoding: Encoding | None = None) -> None:
        self._encoding = encoding
        self._loaded = encoding is not None

    def estimate(self, charge: Charge, run: Run | None, before: Charge | None) -> Charge:
        """The charge with an estimated usage, if it ended well without one and its run shows what was asked.

        `before` is what was stored of the same charge: its estimate stays where the run's payload is no longer at hand.
        """
        if charge.usage is not None or charge.status != "success" or "cached_answer" in charge.flags:
            return charge
        try:
            usage = None if run is None else self._of_run(charge, run)
        except Exception:  # an estimate is a courtesy; the charge counts without it
            log.exception("charge %s of trace %s could not be estimated", charge.charge_key, charge.trace_id)
            usage = None
        if usage is None and before is not None and before.quality == "estimated":
            usage = before.usage
        return charge if usage is None else replace(charge, usage=usage, quality="estimated")

    def _of_run(self, charge: Charge, run: Run) -> Usage | None:
        size = len(dump([run.inputs, run.outputs]))
        if run.inputs is None or size > MAX_ESTIMATED_CHARS:
            return None
        if not self._loaded:
            self._encoding, self._loaded = load_encoding(), True
        encoding = self._encoding if size <= MAX_TOKENISED_CHARS else None
        return estimate_run(run, provider=charge.provider, model=charge.model, encoding=encoding)
