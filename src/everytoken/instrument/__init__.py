"""The client half: sees every billed request of an application and reports it as a standard LangSmith run.

Runs in someone else's process: never raises, never blocks, never prints. May import `wire`, `catalog` and `core`, never
the server half.
"""

from everytoken.instrument.session import flush, instrument, uninstrument

__all__ = ["flush", "instrument", "uninstrument"]
