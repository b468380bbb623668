"""What a charge takes from its testimonies, and from where their runs stand in the trace."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from everytoken.core.charge import Charge, Quality
from everytoken.core.lineage import (
    ENVIRONMENT_KEYS,
    MAX_RELEASE,
    NO_PARENT,
    RELEASE_KEYS,
    SESSION_KEYS,
    THREAD_KEYS,
    USER_KEYS,
    Lineage,
    first_text,
)
from everytoken.core.testimony import LAYER_RANK, Testimony, bearer_of
from everytoken.core.usage import UsageSource

MAX_KEY_ID = 200
"""Characters of a response id in a charge key. A longer one is no provider's; the owner's run id stands in."""
MAX_DIFFERING = 8
"""Differing values kept of one field. A trace that repeats one id without end differs without end."""
_QUALITY: dict[UsageSource, Quality] = {"provider": "exact", "partial": "partial", "estimated": "estimated"}

T = TypeVar("T")


class Attribution:
    """Makes charges of the requests of one trace."""

    def __init__(self, lineage: Lineage, repeating_chains: set[int], shared_ids: set[str]) -> None:
        self._lineage = lineage
        self._shared_ids = shared_ids
        """Response ids that name more than one request: they can't be keys."""
        self._nodes = lineage.inherited("langgraph_node")
        self._inherited: dict[tuple[str, ...], list[str | None]] = {}
        root = lineage.root()
        self._root = None if root is None else lineage.runs[root]
        self._flags = self._inherited_flags(repeating_chains)

    def charge(self, members: Sequence[Testimony]) -> Charge:
        """The charge that `members`, the owner first, tell of."""
        owner = members[0]
        told = [t.evidence for t in members]
        bearer = bearer_of(members)
        usage = bearer.evidence.usage if bearer else None
        differences = _differences(members)
        flags = {*self._flags.get(owner.at, ()), *(usage.warnings if usage else ())}
        if any(is_chain_copy(t) for t in members[1:]):
            flags.add("repeated_on_chain")
        if not (bearer or owner).is_request:
            flags.add("on_chain_run")
        if differences:
            flags.add("layers_disagree")
        timed = [t.run for t in members if t.is_request] or [owner.run]
        first_tokens = (r.first_token_us - r.start_us for r in timed if r.first_token_us is not None)
        paths = [e.call_path for e in told if e.call_path]
        return Charge(
            charge_key=self._key(members),
            project=owner.run.project,
            trace_id=owner.run.trace_id,
            run_id=owner.run.run_id,
            node=_first(self._nodes[t.at] for t in members),
            thread_id=self._text(members, THREAD_KEYS),
            user_id=self._text(members, USER_KEYS),
            session_id=self._text(members, SESSION_KEYS),
            environment=self._text(members, ENVIRONMENT_KEYS),
            release=self._release(members),
            tags=tuple(dict.fromkeys((*owner.run.tags, *(self._root.tags if self._root else ())))),
            call_path=_call_path(paths, _response_id(members)),
            provider=_first(e.provider for e in told),
            request_model=_first(e.request_model for e in told),
            response_model=_first(e.response_model for e in told),
            response_id=_response_id(members),
            quality=_QUALITY[usage.source] if usage else "missing",
            layer=owner.evidence.layer,
            layers_seen=tuple(layer for layer in LAYER_RANK if any(e.layer == layer for e in told)),
            usage=usage,
            status=_first(run.status for run in timed if run.status != "pending") or "pending",
            started_us=owner.run.start_us,
            duration_us=next((run.duration_us for run in timed if run.duration_us is not None), None),
            ttft_us=next((max(us, 0) for us in first_tokens), None),
            flags=tuple(sorted(flags)),
            run_ids=tuple(dict.fromkeys(t.run.run_id for t in members)),
            differences=differences,
        )

    def _key(self, members: Sequence[Testimony]) -> str:
        """Named by the provider where it gave a name, so that a request keeps its key whichever layer comes first."""
        owner = members[0].evidence
        response_id = _response_id(members)
        if response_id and len(response_id) <= MAX_KEY_ID and response_id not in self._shared_ids:
            return f"response:{response_id}"
        return f"run:{owner.run_id}" if owner.index == 0 else f"run:{owner.run_id}:{owner.index}"

    def _text(self, members: Sequence[Testimony], keys: tuple[str, ...]) -> str | None:
        """The first of `keys` that the runs have, the owner first, else that the root has, else one between them."""
        holders = [*(t.run for t in members), *([self._root] if self._root else [])]
        found = _first(first_text(run.metadata, keys) for run in holders)
        if found is None:
            if keys not in self._inherited:
                self._inherited[keys] = self._lineage.inherited(*keys)
            found = _first(self._inherited[keys][t.at] for t in members)
        return found

    def _release(self, members: Sequence[Testimony]) -> str | None:
        """What made the request: each service that a trace passes through has a release of its own, so the owner's
        counts before the root's."""
        named = self._text(members, RELEASE_KEYS)
        return (named.strip()[:MAX_RELEASE] or None) if named else None

    def _inherited_flags(self, repeating_chains: set[int]) -> dict[int, frozenset[str]]:
        """By position: what is odd about where a run stands, or about a run above it."""
        lineage = self._lineage
        flags: dict[int, frozenset[str]] = {}
        if not (lineage.orphans or lineage.cyclic or repeating_chains):
            return flags
        for i in lineage.order:
            run_id, above = lineage.runs[i].run_id, lineage.parents[i]
            odd = set(flags.get(above, ())) if above != NO_PARENT else set()
            odd.update(["orphan"] * (run_id in lineage.orphans), ["parent_cycle"] * (run_id in lineage.cyclic))
            odd.update(["repeated_on_chain"] * (i in repeating_chains))
            if odd:
                flags[i] = frozenset(odd)
        return flags


def reason_of(testimony: Testimony, members: Sequence[Testimony]) -> str:
    """Why `testimony` is not a charge of its own, given those of the request it tells of."""
    if not testimony.is_request:
        return "repeated_on_chain" if is_chain_copy(testimony) else "aggregate_run"
    named = testimony.evidence.response_id
    same = named is not None and sum(t.evidence.response_id == named for t in members) > 1
    return "same_response_id" if same else "parent_llm_run"


def is_chain_copy(testimony: Testimony) -> bool:
    """Usage that a chain repeats. The Agents SDK's task, turn and agent runs total up what is below them by design."""
    return not testimony.is_request and testimony.evidence.layer != "agents"


def _call_path(paths: Sequence[str], response_id: str | None) -> str:
    """The nearest run's that knows one. Tracers that see the chunks alone call a stream of either API a chat."""
    path = _first(p for p in paths if not p.endswith("unknown")) or _first(paths) or ""
    return path.replace(".chat", ".responses") if response_id and response_id.startswith("resp_") else path


def _response_id(members: Iterable[Testimony]) -> str | None:
    """The provider's name for the request, else the one an application's own run gave it."""
    members = list(members)
    return _first(t.named_by_provider for t in members) or _first(t.evidence.response_id for t in members)


def _first(values: Iterable[T | None]) -> T | None:
    return next((value for value in values if value), None)


def _differences(members: Sequence[Testimony]) -> dict[str, dict[str, object]]:
    """Where runs that stand for the request do not say the same: field → {layer: value}."""
    if len(members) == 1:
        return {}
    said: dict[str, dict[str, object]] = {}
    for testimony in (t for t in members if t.is_request):
        evidence = testimony.evidence
        values: dict[str, object] = {"provider": evidence.provider, "response_model": evidence.response_model}
        # A cut stream says less than a whole one without contradicting it.
        if evidence.usage is not None and evidence.usage.source == "provider":
            values["input_tokens"] = evidence.usage.input_tokens
            values["output_tokens"] = evidence.usage.output_tokens
        for field, value in values.items():
            by_layer = said.setdefault(field, {})
            known = value is None or (evidence.layer in by_layer and value in by_layer.values())
            if not known and len(by_layer) < MAX_DIFFERING:
                taken = evidence.layer in by_layer
                by_layer[f"{evidence.layer}:{evidence.run_id}" if taken else evidence.layer] = value
    return {field: by_layer for field, by_layer in said.items() if len(set(by_layer.values())) > 1}
