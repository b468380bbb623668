"""Requests that two instrumentations of one process saw side by side, where neither made the other's span its parent.

OpenLLMetry's LangChain callback ends up so beside its own OpenAI instrumentation on the Responses API (0.62): two spans
of one parent, the one within the other in time, with the same counts, and an id on the inner one alone.
"""

from collections.abc import Iterable, Iterator, Sequence

from everytoken.core.extract.facts import SCOPE
from everytoken.core.lineage import NO_PARENT
from everytoken.core.testimony import Testimony, counts_of

MAX_TRIED = 64
"""Spans looked at for one that lies within another: so many may be under way at once, with the same counts."""

Key = tuple[int, object, object]


def seen_twice(testimonies: Iterable[Testimony], parents: Sequence[int]) -> Iterator[tuple[Testimony, Testimony]]:
    """Pairs of (outer, inner) that tell of one request: siblings of two instrumentations, the inner one within the
    outer one in time, of one model and with the same counts, of which at most one knows the provider's id."""
    alike: dict[Key, list[Testimony]] = {}
    scopes: set[str] = set()
    for testimony in testimonies:
        scope = _scope(testimony)
        if scope and testimony.is_request and testimony.run.end_us is not None and parents[testimony.at] != NO_PARENT:
            evidence = testimony.evidence
            key = (parents[testimony.at], evidence.request_model, counts_of(evidence.usage))
            alike.setdefault(key, []).append(testimony)
            scopes.add(scope)
    if len(scopes) < 2:
        return
    for siblings in alike.values():
        if len({_scope(one) for one in siblings}) > 1:
            yield from _within(sorted(siblings, key=lambda t: (t.run.start_us, -(t.run.end_us or 0), t.run.run_id)))


def _within(siblings: Sequence[Testimony]) -> Iterator[tuple[Testimony, Testimony]]:
    """Each is paired once, so that as many remain as the more talkative of the two instrumentations saw."""
    paired: set[Testimony] = set()
    for at, outer in enumerate(siblings):
        if outer in paired:
            continue
        for inner in siblings[at + 1 : at + 1 + MAX_TRIED]:
            if inner not in paired and _is_within(inner, outer):
                paired |= {outer, inner}
                yield outer, inner
                break


def _is_within(inner: Testimony, outer: Testimony) -> bool:
    named_twice = inner.named_by_provider is not None and outer.named_by_provider is not None
    return not named_twice and _scope(inner) != _scope(outer) and (inner.run.end_us or 0) <= (outer.run.end_us or 0)


def _scope(testimony: Testimony) -> str | None:
    scope = testimony.run.metadata.get(SCOPE)
    return scope if isinstance(scope, str) else None
