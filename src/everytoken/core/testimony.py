"""Testimonies and the requests they tell of: the working values of settlement."""

from collections.abc import Iterable
from typing import Final

from everytoken.core.charge import Evidence, Layer
from everytoken.core.run import USAGE_RUN_TYPES, Run
from everytoken.core.usage import Usage, UsageSource

LAYER_RANK: Final[dict[Layer, int]] = {
    "transport": 0, "sdk": 1, "framework": 2, "agents": 3, "otel": 4, "manual": 5,
}  # fmt: skip
SOURCE_RANK: Final[dict[UsageSource, int]] = {"provider": 0, "partial": 1, "estimated": 2}
MAX_REACH = 64
"""Requests remembered below one run, the newest: what repeats an older one is suppressed without naming it."""

Rank = tuple[bool, int, bool, int, str, int]


class Testimony:
    """One piece of evidence on its way to a charge."""

    __slots__ = ("at", "evidence", "group", "is_outer", "is_request", "run")

    def __init__(self, evidence: Evidence, run: Run, at: int) -> None:
        self.evidence = evidence
        self.run = run
        self.at = at
        """Position of the run in its lineage."""
        self.is_request = run.run_type in USAGE_RUN_TYPES
        self.is_outer = False
        """Whether the request was also seen further down: of two in the same layer the inner one is nearer."""
        self.group = Group(self)

    @property
    def rank(self) -> Rank:
        """Ascending: nearest to the provider first. A chain is never nearer than a run that stands for a request."""
        layer, run = LAYER_RANK[self.evidence.layer], self.run
        return (not self.is_request, layer, self.is_outer, run.start_us, run.run_id, self.evidence.index)

    @property
    def named_by_provider(self) -> str | None:
        """The response id, where it can't be a name that the application gave to what a function of its returned."""
        return self.evidence.response_id if self.is_request and self.evidence.layer != "manual" else None

    @property
    def name(self) -> str | None:
        """The response id, where a run that had it from the provider is of the same group."""
        return self.evidence.response_id if self.evidence.response_id in self.group.root().names else None


class Group:
    """Testimonies of one request. Merged groups are found through `root()`; the rest holds for a root alone."""

    __slots__ = ("attempts", "bearer", "into", "members", "names", "owner")

    def __init__(self, testimony: Testimony) -> None:
        evidence = testimony.evidence
        self.into: Group | None = None
        self.members = {testimony: None}
        self.owner = testimony
        """The one nearest to the provider."""
        self.bearer = testimony if evidence.usage is not None else None
        """The one whose numbers count."""
        self.names = {testimony.named_by_provider} - {None}
        self.attempts = {evidence.attempt} - {None}

    def root(self) -> "Group":
        group = self
        while group.into is not None:
            if group.into.into is not None:
                group.into = group.into.into
            group = group.into
        return group

    def absorb(self, other: "Group") -> None:
        """Take the members of `other`; this group, a root, stays one."""
        other = other.root()
        if other is self:
            return
        self.members |= other.members
        self.names |= other.names
        self.attempts |= other.attempts
        self.owner = min(self.owner, other.owner, key=lambda t: t.rank)
        self.bearer = bearer_of((self.bearer, other.bearer))
        other.into, other.members = self, {}

    def dismiss(self, testimony: Testimony) -> None:
        """Take one out that no provider named."""
        del self.members[testimony]
        if self.members and testimony in (self.owner, self.bearer):
            self.owner = min(self.members, key=lambda t: t.rank)
            self.bearer = bearer_of(self.members)

    @property
    def usage(self) -> Usage | None:
        return self.bearer.evidence.usage if self.bearer else None

    @property
    def recency(self) -> tuple[int, str, int]:
        return (self.owner.run.start_us, self.owner.run.run_id, -self.owner.evidence.index)

    @property
    def failed(self) -> bool:
        return self.owner.run.status == "error"


def bearer_of(members: Iterable[Testimony | None]) -> Testimony | None:
    """Whose numbers count: the owner's, unless another's are more complete. A chain's and an estimate come last."""
    best: Testimony | None = None
    best_rank: tuple[bool, bool, int, Rank] | None = None
    for testimony in members:
        if testimony is None or testimony.evidence.usage is None:
            continue
        source = testimony.evidence.usage.source
        rank = (source == "estimated", not testimony.is_request, SOURCE_RANK[source], testimony.rank)
        if best_rank is None or rank < best_rank:
            best, best_rank = testimony, rank
    return best


class Reach:
    """The requests found below a run: what its own evidence may repeat."""

    __slots__ = ("cut", "far", "near", "requests")

    def __init__(self) -> None:
        self.requests = False
        """Whether runs that stand for a request are among them; mere chains with usage are then left out."""
        self.near: dict[Group, None] = {}
        self.far: dict[Group, None] = {}
        """Reached through a tool run: made by the tool, unless the counts say that it is the same."""
        self.cut = False
        """Whether there were more than are remembered."""

    def add(self, groups: Iterable[Group], *, far: bool, requests: bool) -> None:
        if requests != self.requests:
            if self.requests:
                return
            self.requests, self.near, self.far, self.cut = True, {}, {}, False
        into = self.far if far else self.near
        into.update(dict.fromkeys(groups))
        # Cut at twice the bound, so that adding n groups one by one costs n and not n sorts.
        if len(into) > 2 * MAX_REACH:
            self.cut = True
            kept = newest(into)
            into.clear()
            into.update(dict.fromkeys(kept))

    def include(self, inner: "Reach", *, far: bool) -> None:
        """Take over what a run further down reached; `far` when a tool run lies between."""
        self.add(inner.near, far=far, requests=inner.requests)
        self.add(inner.far, far=True, requests=inner.requests)
        self.cut |= inner.cut


def newest(groups: Iterable[Group]) -> list[Group]:
    """Distinct live groups, the newest `MAX_REACH` of them, newest first."""
    live = {group.root(): None for group in groups}
    return sorted((g for g in live if g.members), key=lambda g: g.recency, reverse=True)[:MAX_REACH]


def counts_of(usage: Usage | None) -> tuple[object, ...] | None:
    """What two reports of one request agree on."""
    return (usage.input_tokens, usage.output_tokens, *sorted(usage.meters.items())) if usage else None
