"""Children of `multiprocessing`: one that was forked ends without Python's exit functions, and sends its rest."""

from everytoken.instrument.patch import Patches
from everytoken.instrument.recorder import Recorder

_LAST = -100
"""Priority among the finalizers of a child: after those of the application, which may still make calls."""


def patch(patches: Patches, recorder: Recorder) -> None:
    """Nothing is replaced: `multiprocessing.util` has a place for what a child does first and last."""
    from multiprocessing import util

    def finish(here: Recorder) -> None:
        util.Finalize(None, here.close, exitpriority=_LAST)

    # Held weakly, by multiprocessing: a recorder that is gone has nothing to send.
    util.register_after_fork(recorder, finish)
