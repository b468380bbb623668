"""Settlement: the evidence that the runs of one trace bear becomes charges, one for each billed provider request.

The same request is seen by many layers: an HTTP attempt inside a wrapped client inside LangChain inside an agent. What
belongs together is found in two steps, neither of which depends on the order in which runs came:

1. The same provider response id is the same request, wherever it was seen.
2. Below one another, deepest first: a run that stands for a request, with runs below it that do so too, tells of theirs
   and not of one more. It joins the one it fits best and lends it what that one lacks.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from everytoken.core.charge import Charge, Evidence, Layer, Quality
from everytoken.core.extract import evidence_of as extracted_evidence
from everytoken.core.lineage import (
    ENVIRONMENT_KEYS,
    NO_PARENT,
    SESSION_KEYS,
    THREAD_KEYS,
    USER_KEYS,
    Lineage,
    first_text,
    trace_lineage,
)
from everytoken.core.run import USAGE_RUN_TYPES, Run
from everytoken.core.usage import Usage, UsageSource

LAYER_RANK: dict[Layer, int] = {"transport": 0, "sdk": 1, "framework": 2, "agents": 3, "otel": 4, "manual": 5}
SOURCE_RANK: dict[UsageSource, int] = {"provider": 0, "partial": 1, "estimated": 2}
_QUALITY: dict[UsageSource, Quality] = {"provider": "exact", "partial": "partial", "estimated": "estimated"}
MAX_REACH = 128
"""Requests remembered below one run, the newest: what repeats an older one is suppressed without naming it."""
MAX_KEY_ID = 200
"""Characters of a response id in a charge key; a longer one is not a provider's, the owner's run id stands in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """Evidence that is not a charge of its own."""

    evidence: Evidence
    reason: str
    """`same_response_id`, `parent_llm_run`, `repeated_on_chain`, `aggregate_run` or `cached_answer`."""
    charge_key: str | None
    """The charge it also tells of; `None` when it tells of several, or of none in this trace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What the runs of one trace amount to."""

    charges: tuple[Charge, ...]
    """Unpriced, ordered by (started_us, charge_key)."""
    duplicates: tuple[Duplicate, ...]
    """Evidence that was suppressed, ordered by (run_id, index)."""
    orphans: tuple[str, ...]
    """Sorted ids of runs whose parent never came."""


def settle(runs: Iterable[Run], evidence_of: Callable[[Run], tuple[Evidence, ...]] = extracted_evidence) -> Settlement:
    """The charges of the trace that `runs` belong to: a function of their set alone, in time linear in their number.

    Whoever stores charges replaces all of the trace's by these: a run that comes late can merge two, or take one away.
    """
    lineage = trace_lineage(runs)
    ledger = _Ledger(lineage, evidence_of)
    ledger.group_by_response_id()
    ledger.fold_upwards()
    return ledger.settlement()


class _Testimony:
    """One piece of evidence on its way to a charge."""

    __slots__ = ("at", "evidence", "group", "is_request", "rank", "reason", "run")

    def __init__(self, evidence: Evidence, run: Run, at: int) -> None:
        self.evidence = evidence
        self.run = run
        self.at = at
        self.is_request = run.run_type in USAGE_RUN_TYPES
        self.rank = (not self.is_request, LAYER_RANK[evidence.layer], run.start_us, run.run_id, evidence.index)
        """Ascending: nearest to the provider first. A chain is never nearer than a run that stands for a request."""
        self.reason = "same_response_id"
        self.group = _Group(self)


class _Group:
    """Testimonies of one request. Merged groups are found through `root()`; the rest holds for a root alone."""

    __slots__ = ("attempts", "bearer", "into", "members", "owner", "response_ids")

    def __init__(self, testimony: "_Testimony") -> None:
        evidence = testimony.evidence
        self.into: _Group | None = None
        self.members = {testimony: None}
        self.owner = testimony
        """The one nearest to the provider."""
        self.bearer = testimony if evidence.usage is not None else None
        """The one whose numbers count."""
        self.response_ids = {evidence.response_id} if evidence.response_id else set()
        self.attempts = {evidence.attempt} if evidence.attempt is not None else set()

    def root(self) -> "_Group":
        group = self
        while group.into is not None:
            if group.into.into is not None:
                group.into = group.into.into
            group = group.into
        return group

    def absorb(self, other: "_Group") -> None:
        small, large = sorted((self.root(), other.root()), key=lambda g: len(g.members))
        if small is large:
            return
        large.members |= small.members
        large.response_ids |= small.response_ids
        large.attempts |= small.attempts
        large.owner = min(large.owner, small.owner, key=_nearness)
        large.bearer = _bearer((large.bearer, small.bearer))
        small.into, small.members = large, {}

    def dismiss(self, testimony: "_Testimony") -> None:
        """Take one out: it tells of more than this request."""
        del self.members[testimony]
        if self.members and testimony in (self.owner, self.bearer):
            self.owner = min(self.members, key=_nearness)
            self.bearer = _bearer(self.members)

    @property
    def usage(self) -> Usage | None:
        return self.bearer.evidence.usage if self.bearer else None

    @property
    def recency(self) -> tuple[bool, int, str, int]:
        """Ascending: failed ones first, then by start. What an outer run returns is the last that succeeded."""
        run = self.owner.run
        return (run.status != "error", run.start_us, run.run_id, self.owner.evidence.index)


def _nearness(testimony: "_Testimony") -> tuple[bool, int, int, str, int]:
    return testimony.rank


def _bearer(members: Iterable["_Testimony | None"]) -> "_Testimony | None":
    """Whose numbers count: the owner's, unless another's are more complete. A chain's and an estimate come last."""
    bearing = [(t, t.evidence.usage.source) for t in members if t is not None and t.evidence.usage is not None]
    order = ((source == "estimated", not t.is_request, SOURCE_RANK[source], t.rank, t) for t, source in bearing)
    return min(order, key=lambda o: o[:4])[4] if bearing else None


class _Reach:
    """The requests found below a run: what its own evidence may repeat."""

    __slots__ = ("cut", "far", "near", "requests")

    def __init__(self) -> None:
        self.requests = False
        """Whether runs that stand for a request are among them; chains with usage are then not."""
        self.near: dict[_Group, None] = {}
        self.far: dict[_Group, None] = {}
        """Reached through a tool run: made by the tool, unless the counts say that it is the same."""
        self.cut = False

    def add(self, groups: Iterable[_Group], *, far: bool, requests: bool) -> None:
        if requests != self.requests:
            if self.requests:
                return
            self.requests, self.near, self.far, self.cut = True, {}, {}, False
        into = self.far if far else self.near
        into.update(dict.fromkeys(groups))
        if len(into) > 2 * MAX_REACH:
            self.cut = True
            kept = _newest(into)
            into.clear()
            into.update(dict.fromkeys(kept))


def _newest(groups: Iterable[_Group]) -> list[_Group]:
    """Distinct live groups, the newest `MAX_REACH`, newest first."""
    live = {group.root(): None for group in groups}
    return sorted((g for g in live if g.members), key=lambda g: g.recency[1:], reverse=True)[:MAX_REACH]


def _counts(usage: Usage | None) -> tuple[object, ...] | None:
    return (usage.input_tokens, usage.output_tokens, *sorted(usage.meters.items())) if usage else None


def _same_counts(one: Usage | None, other: Usage | None) -> bool:
    return one is not None and _counts(one) == _counts(other)


class _Ledger:
    """The work on one trace: testimonies in, groups of them out."""

    def __init__(self, lineage: Lineage, evidence_of: Callable[[Run], tuple[Evidence, ...]]) -> None:
        self.lineage = lineage
        self.testimonies: dict[int, list[_Testimony]] = {}
        """By position of the run that bears them."""
        self.cached: list[Evidence] = []
        self.suppressed: list[Duplicate] = []
        self.repeating_chains: set[int] = set()
        self.shared_ids: set[str] = set()
        """Response ids that name more than one request: they can't be keys."""
        for at in lineage.order:
            run = lineage.runs[at]
            for evidence in evidence_of(run):
                if evidence.cached_answer:
                    self.cached.append(evidence)
                else:
                    self.testimonies.setdefault(at, []).append(_Testimony(evidence, run, at))

    def group_by_response_id(self) -> None:
        """The same id is the same request, unless reporters number attempts and the numbers differ.

        Where only chains bear an id it may be the application's own: they must agree on the counts as well.
        """
        by_id: dict[str, list[_Testimony]] = {}
        for borne in self.testimonies.values():
            for testimony in borne:
                if testimony.evidence.response_id:
                    by_id.setdefault(testimony.evidence.response_id, []).append(testimony)
        for response_id, alike in by_id.items():
            if len(alike) == 1:
                continue
            if not any(t.is_request for t in alike):
                self._group_chains(alike)
                continue
            numbered = [t for t in alike if t.evidence.attempt is not None]
            last = max(numbered, key=lambda t: (t.run.start_us, t.run.run_id, t.evidence.index), default=alike[0])
            heads: dict[str | None, _Testimony] = {last.evidence.attempt: last, None: last}
            for testimony in alike:
                heads.setdefault(testimony.evidence.attempt, testimony).group.absorb(testimony.group)
            if len({head.group.root() for head in heads.values()}) > 1:
                self.shared_ids.add(response_id)

    def _group_chains(self, alike: list[_Testimony]) -> None:
        heads: dict[object, _Testimony] = {}
        for testimony in alike:
            counts = _counts(testimony.evidence.usage)
            heads.setdefault(counts, testimony).group.absorb(testimony.group)
        if len(heads) > 1:
            self.shared_ids.update(t.evidence.response_id for t in heads.values() if t.evidence.response_id)

    def fold_upwards(self) -> None:
        """Let each run that bears evidence meet the requests below it, the deepest run first."""
        bearing, through_tool, depth = self._bearing_above()
        runs = self.lineage.runs
        below: dict[int, _Reach] = {}
        deepest_first = sorted(self.testimonies, key=lambda i: (-depth[i], runs[i].start_us, runs[i].run_id))
        for at in deepest_first:
            reach = below.pop(at, None) or _Reach()
            self._meet(at, reach)
            above = self.lineage.parents[at]
            if above == NO_PARENT or bearing[above] == NO_PARENT:
                continue
            far = bool(through_tool[above]) or runs[at].run_type == "tool"
            outer = below.get(bearing[above])
            if outer is None and not far:
                below[bearing[above]] = reach
                continue
            outer = below.setdefault(bearing[above], _Reach())
            outer.add(reach.near, far=far, requests=reach.requests)
            outer.add(reach.far, far=True, requests=reach.requests)
            outer.cut |= reach.cut

    def _bearing_above(self) -> tuple[list[int], bytearray, list[int]]:
        """For each position: the nearest at or above it with evidence, whether a tool run lies between, its depth."""
        count = len(self.lineage.runs)
        bearing, through_tool, depth = [NO_PARENT] * count, bytearray(count), [0] * count
        for i in self.lineage.order:
            above = self.lineage.parents[i]
            if above != NO_PARENT:
                depth[i] = depth[above] + 1
            if i in self.testimonies:
                bearing[i] = i
            elif above != NO_PARENT:
                bearing[i] = bearing[above]
                through_tool[i] = through_tool[above] or self.lineage.runs[i].run_type == "tool"
        return bearing, through_tool, depth

    def _meet(self, at: int, reach: _Reach) -> None:
        """Place each testimony of one run: it repeats a request below, tells of several, or is one of its own."""
        near, far = _newest(reach.near), _newest(reach.far)
        known = any(group.usage is not None for group in near)
        for testimony in self.testimonies[at]:
            if testimony.group.root() in near or testimony.group.root() in far:
                continue
            target = self._repeated(testimony, near, far, known=known, requests=reach.requests)
            if target is not None:
                testimony.reason = self._reason(testimony)
                target.absorb(testimony.group)
            elif self._tells_of_several(testimony, near, far, reach, known=known):
                self._suppress(testimony)
            else:
                reach.add([testimony.group.root()], far=False, requests=testimony.is_request)

    def _repeated(
        self, testimony: _Testimony, near: list[_Group], far: list[_Group], *, known: bool, requests: bool
    ) -> _Group | None:
        """The request below that `testimony` also tells of, if it is one."""
        usage = testimony.evidence.usage
        fits = [g for g in near if self._compatible(testimony, g)]
        same = [g for g in (*fits, *near, *far) if self._attempts_agree(testimony, g) and _same_counts(usage, g.usage)]
        if same:
            return same[0]
        if not requests:
            return max(fits, key=lambda g: g.recency) if fits and usage is None else None
        if usage is None:
            return max(fits, key=lambda g: g.recency, default=None)
        if not known:
            return max((g for g in fits if g.usage is None), key=lambda g: g.recency, default=None)
        return fits[0] if len(near) == 1 and fits else None

    @staticmethod
    def _compatible(testimony: _Testimony, group: _Group) -> bool:
        """Whether nothing says that they are two requests. What a chain returns as `id` says nothing."""
        named_apart = testimony.is_request and testimony.evidence.response_id and group.response_ids
        return not named_apart and _Ledger._attempts_agree(testimony, group)

    @staticmethod
    def _attempts_agree(testimony: _Testimony, group: _Group) -> bool:
        return testimony.evidence.attempt is None or group.attempts <= {testimony.evidence.attempt}

    def _tells_of_several(
        self, testimony: _Testimony, near: list[_Group], far: list[_Group], reach: _Reach, *, known: bool
    ) -> bool:
        """Whether `testimony` is a total, or a copy of one request among several that it does not name."""
        if testimony.evidence.attempt is not None:
            return False
        below = near if testimony.is_request else [*near, *far]
        if not below:
            return False
        usage = testimony.evidence.usage
        sums = [sum(getattr(g.usage, f) for g in below if g.usage) for f in ("input_tokens", "output_tokens")]
        if usage is not None and sums == [usage.input_tokens, usage.output_tokens] and not reach.cut:
            return True
        if not reach.requests:
            return False
        if not testimony.is_request:
            return not any(t.is_request for t in testimony.group.root().members)
        apart = testimony.evidence.response_id and all(g.response_ids for g in near)
        return known and not apart

    @staticmethod
    def _reason(testimony: _Testimony) -> str:
        if testimony.is_request:
            return "parent_llm_run"
        return "aggregate_run" if testimony.evidence.layer == "agents" else "repeated_on_chain"

    def _suppress(self, testimony: _Testimony) -> None:
        reason = self._reason(testimony)
        testimony.group.root().dismiss(testimony)
        self.suppressed.append(Duplicate(evidence=testimony.evidence, reason=reason, charge_key=None))
        if reason == "repeated_on_chain":
            self.repeating_chains.add(testimony.at)

    def settlement(self) -> Settlement:
        """One charge a group, and the record of everything that is none."""
        groups = {t.group.root(): None for borne in self.testimonies.values() for t in borne}
        surroundings = _Surroundings(self.lineage, self.repeating_chains)
        charges: list[Charge] = []
        duplicates = list(self.suppressed)
        key_of: dict[str, str] = {}
        for group in groups:
            if not group.members:
                continue
            members = sorted(group.members, key=lambda t: t.rank)
            charge = _charge(members, surroundings, self.shared_ids)
            charges.append(charge)
            duplicates += (
                Duplicate(evidence=t.evidence, reason=t.reason, charge_key=charge.charge_key) for t in members[1:]
            )
            key_of.update((id_, charge.charge_key) for id_ in group.response_ids)
        for evidence in self.cached:
            key = key_of.get(evidence.response_id) if evidence.response_id else None
            duplicates.append(Duplicate(evidence=evidence, reason="cached_answer", charge_key=key))
        return Settlement(
            charges=tuple(sorted(charges, key=lambda c: (c.started_us, c.charge_key))),
            duplicates=tuple(sorted(duplicates, key=lambda d: (d.evidence.run_id, d.evidence.index))),
            orphans=tuple(sorted(self.lineage.orphans)),
        )


class _Surroundings:
    """What a charge takes from where its runs stand."""

    def __init__(self, lineage: Lineage, repeating_chains: set[int]) -> None:
        self.lineage = lineage
        self.nodes = lineage.inherited("langgraph_node")
        root = lineage.root()
        self.root = None if root is None else lineage.runs[root]
        self.flags: list[frozenset[str]] = [frozenset()] * len(lineage.runs)
        for i in lineage.order:
            above = lineage.parents[i]
            inherited = self.flags[above] if above != NO_PARENT else frozenset()
            own = {
                flag
                for flag, holds in (
                    ("orphan", lineage.runs[i].run_id in lineage.orphans),
                    ("parent_cycle", lineage.runs[i].run_id in lineage.cyclic),
                    ("repeated_on_chain", i in repeating_chains),
                )
                if holds
            }
            self.flags[i] = inherited if own <= inherited else inherited | own

    def text(self, members: list[_Testimony], keys: Iterable[str]) -> str | None:
        """The first of `keys` in the metadata of the runs, the owner's first, else of the trace's root."""
        holders = [*(t.run for t in members), *([self.root] if self.root else [])]
        return next((found for run in holders if (found := first_text(run.metadata, keys))), None)


def _first(values: Iterable[Any]) -> Any:
    return next((value for value in values if value), None)


def _charge(members: list[_Testimony], surroundings: _Surroundings, shared_ids: set[str]) -> Charge:
    """The charge that `members`, the owner first, tell of."""
    owner = members[0]
    told = [t.evidence for t in members]
    bearer = _bearer(members)
    usage = bearer.evidence.usage if bearer else None
    differences = _differences(members)
    flags = {*surroundings.flags[owner.at], *(usage.warnings if usage else ())}
    flags |= {t.reason for t in members[1:] if t.reason == "repeated_on_chain"}
    if not (bearer or owner).is_request:
        flags.add("on_chain_run")
    if differences:
        flags.add("layers_disagree")
    timed = [t.run for t in members if t.is_request] or [owner.run]
    root_tags = surroundings.root.tags if surroundings.root else ()
    return Charge(
        charge_key=_key(members, shared_ids),
        project=owner.run.project,
        trace_id=owner.run.trace_id,
        run_id=owner.run.run_id,
        node=_first(surroundings.nodes[t.at] for t in members),
        thread_id=surroundings.text(members, THREAD_KEYS),
        user_id=surroundings.text(members, USER_KEYS),
        session_id=surroundings.text(members, SESSION_KEYS),
        environment=surroundings.text(members, ENVIRONMENT_KEYS),
        tags=tuple(dict.fromkeys((*owner.run.tags, *root_tags))),
        call_path=_first(e.call_path for e in told) or "",
        provider=_first(e.provider for e in told),
        request_model=_first(e.request_model for e in told),
        response_model=_first(e.response_model for e in told),
        response_id=_first(e.response_id for e in told),
        quality=_QUALITY[usage.source] if usage else "missing",
        layer=owner.evidence.layer,
        layers_seen=tuple(layer for layer in LAYER_RANK if any(e.layer == layer for e in told)),
        usage=usage,
        status=next((run.status for run in timed if run.status != "pending"), "pending"),
        started_us=owner.run.start_us,
        duration_us=next((run.duration_us for run in timed if run.duration_us is not None), None),
        ttft_us=next((run.first_token_us - run.start_us for run in timed if run.first_token_us is not None), None),
        flags=tuple(sorted(flags)),
        run_ids=tuple(dict.fromkeys(t.run.run_id for t in members)),
        differences=differences,
    )


def _key(members: list[_Testimony], shared_ids: set[str]) -> str:
    """Named by the provider where it gave a name, so that a request keeps its key whichever layer is seen first."""
    owner = members[0].evidence
    response_id: str | None = _first(t.evidence.response_id for t in members)
    if response_id and len(response_id) <= MAX_KEY_ID and response_id not in shared_ids:
        return f"response:{response_id}"
    return f"run:{owner.run_id}" if owner.index == 0 else f"run:{owner.run_id}:{owner.index}"


def _differences(members: list[_Testimony]) -> dict[str, dict[str, Any]]:
    """Where runs that stand for the request do not say the same: field → {layer: value}."""
    if len(members) == 1:
        return {}
    said: dict[str, dict[str, Any]] = {}
    for testimony in members:
        if not testimony.is_request:
            continue
        evidence = testimony.evidence
        values: dict[str, Any] = {"provider": evidence.provider, "response_model": evidence.response_model}
        if evidence.usage is not None and evidence.usage.source == "provider":
            values |= {f: getattr(evidence.usage, f) for f in ("input_tokens", "output_tokens")}
        for field, value in values.items():
            if value is not None:
                by_layer = said.setdefault(field, {})
                name = evidence.layer if evidence.layer not in by_layer else f"{evidence.layer}:{evidence.run_id}"
                by_layer[name] = value
    return {field: by_layer for field, by_layer in said.items() if len(set(by_layer.values())) > 1}
