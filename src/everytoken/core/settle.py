"""Settlement: the evidence that the runs of one trace bear becomes charges, one for each billed provider request.

The same request is seen by many layers: an HTTP attempt inside a wrapped client inside LangChain inside an agent. What
belongs together is found in two steps, neither of which depends on the order in which runs came:

1. The same provider response id is the same request, wherever it was seen.
2. Below one another, deepest first: a run that stands for a request, with runs below it that do so too, tells of theirs
   and not of one more. It joins the one it fits best and lends it what that one lacks. Two spans side by side are below
   one another where two instrumentations of one process made them.

Reporters that number attempts number what is billed: reading a background response again is no new attempt.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from everytoken.core.attribution import Attribution, is_chain_copy, reason_of
from everytoken.core.charge import Charge, Evidence
from everytoken.core.extract import evidence_of as extracted_evidence
from everytoken.core.lineage import NO_PARENT, Lineage, trace_lineage
from everytoken.core.run import Run
from everytoken.core.siblings import seen_twice
from everytoken.core.testimony import Group, Reach, Testimony, counts_of, newest


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
    ledger.join_siblings()
    ledger.fold_upwards()
    settlement = ledger.settlement()
    ledger.let_go()
    return settlement


class _Ledger:
    """The work on one trace: testimonies in, groups of them out."""

    def __init__(self, lineage: Lineage, evidence_of: Callable[[Run], tuple[Evidence, ...]]) -> None:
        self.lineage = lineage
        self.testimonies: dict[int, list[Testimony]] = {}
        """By position of the run that bears them."""
        self.cached: list[Evidence] = []
        self.suppressed: list[Duplicate] = []
        self.repeating_chains: set[int] = set()
        self.shared_ids: set[str] = set()
        """Response ids that name more than one request."""
        for at in lineage.order:
            run = lineage.runs[at]
            for evidence in evidence_of(run):
                if evidence.cached_answer:
                    self.cached.append(evidence)
                else:
                    self.testimonies.setdefault(at, []).append(Testimony(evidence, run, at))

    def group_by_response_id(self) -> None:
        """The same id is the same request, unless reporters number attempts and the numbers differ."""
        by_id: dict[str, list[Testimony]] = {}
        for borne in self.testimonies.values():
            for testimony in borne:
                if testimony.evidence.response_id:
                    by_id.setdefault(testimony.evidence.response_id, []).append(testimony)
        for response_id, alike in by_id.items():
            if len(alike) == 1:
                continue
            named = any(t.named_by_provider for t in alike)
            heads = self._group_attempts(alike) if named else self._group_counts(alike)
            if len({head.group.root() for head in heads}) > 1:
                self.shared_ids.add(response_id)

    @staticmethod
    def _group_attempts(alike: list[Testimony]) -> list[Testimony]:
        """One request an attempt. Who saw the id without a number saw what was returned: the last attempt."""
        numbered = [t for t in alike if t.evidence.attempt is not None]
        last = max(numbered, key=lambda t: (t.run.start_us, t.run.run_id, t.evidence.index), default=alike[0])
        heads: dict[str | None, Testimony] = {last.evidence.attempt: last, None: last}
        for testimony in alike:
            heads.setdefault(testimony.evidence.attempt, testimony).group.absorb(testimony.group)
        return list(heads.values())

    @staticmethod
    def _group_counts(alike: list[Testimony]) -> list[Testimony]:
        """An id that the application's own runs alone bear may be the application's: the counts must agree as well."""
        heads: dict[object, Testimony] = {}
        for testimony in alike:
            key = counts_of(testimony.evidence.usage) or (testimony.run.run_id, testimony.evidence.index)
            heads.setdefault((testimony.evidence.attempt, key), testimony).group.absorb(testimony.group)
        return list(heads.values())

    def join_siblings(self) -> None:
        """Let what two instrumentations saw side by side be one request."""
        borne = (t for testimonies in self.testimonies.values() for t in testimonies)
        for outer, inner in seen_twice(borne, self.lineage.parents):
            outer.is_outer = True
            inner.group.root().absorb(outer.group)

    def fold_upwards(self) -> None:
        """Let each run that bears evidence meet the requests below it, the deepest run first."""
        bearing, through_tool, depth = self._bearing_above()
        runs = self.lineage.runs
        below: dict[int, Reach] = {}
        for at in sorted(self.testimonies, key=lambda i: (-depth[i], runs[i].start_us, runs[i].run_id)):
            reach = below.pop(at, None) or Reach()
            self._meet(at, reach)
            above = self.lineage.parents[at]
            if above == NO_PARENT or bearing[above] == NO_PARENT:
                continue
            far = bool(through_tool[above]) or runs[at].run_type == "tool"
            if bearing[above] not in below and not far:
                below[bearing[above]] = reach
            else:
                below.setdefault(bearing[above], Reach()).include(reach, far=far)

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

    def _meet(self, at: int, reach: Reach) -> None:
        """Place each testimony of one run: it repeats a request below, tells of several, or is one of its own."""
        if not (reach.near or reach.far):
            reach.add((t.group for t in self.testimonies[at]), far=False, requests=self.testimonies[at][0].is_request)
            return
        below = _Below(reach, is_request=self.testimonies[at][0].is_request)
        for testimony in self.testimonies[at]:
            group = testimony.group.root()
            if group in below.near or group in below.far:
                testimony.is_outer = True
                continue
            target = below.repeated_by(testimony)
            if target is not None:
                testimony.is_outer = True
                self._join(testimony, target)
            elif below.is_told_in_all_by(testimony):
                self._suppress(testimony)
            if target is None or testimony.is_request:
                live = [g for g in (testimony.group.root(),) if g.members]
                reach.add(live, far=False, requests=testimony.is_request)

    def _join(self, testimony: Testimony, target: Group) -> None:
        """Move `testimony`, with all that share its name where a provider gave it."""
        group = testimony.group.root()
        if testimony.name is None and len(group.members) > 1:
            group.dismiss(testimony)
            testimony.group = Group(testimony)
            self.shared_ids.add(testimony.evidence.response_id or "")
        target.absorb(testimony.group)

    def _suppress(self, testimony: Testimony) -> None:
        testimony.group.root().dismiss(testimony)
        reason = reason_of(testimony, ())
        self.suppressed.append(Duplicate(evidence=testimony.evidence, reason=reason, charge_key=None))
        if is_chain_copy(testimony):
            self.repeating_chains.add(testimony.at)

    def settlement(self) -> Settlement:
        """One charge a group, and the record of everything that is none."""
        groups = {t.group.root(): None for borne in self.testimonies.values() for t in borne}
        attribution = Attribution(self.lineage, self.repeating_chains, self.shared_ids)
        charges: list[Charge] = []
        duplicates = list(self.suppressed)
        keys: dict[str, str] = {}
        for group in groups:
            if not group.members:
                continue
            members = sorted(group.members, key=lambda t: t.rank)
            charge = attribution.charge(members)
            charges.append(charge)
            keys.update({charge.response_id: charge.charge_key} if charge.response_id else {})
            for told in members[1:]:
                reason = reason_of(told, members)
                duplicates.append(Duplicate(evidence=told.evidence, reason=reason, charge_key=charge.charge_key))
        for evidence in self.cached:
            key = keys.get(evidence.response_id or "")
            duplicates.append(Duplicate(evidence=evidence, reason="cached_answer", charge_key=key))
        return Settlement(
            charges=tuple(sorted(charges, key=lambda c: (c.started_us, c.charge_key))),
            duplicates=tuple(sorted(duplicates, key=lambda d: (d.evidence.run_id, d.evidence.index))),
            orphans=tuple(sorted(self.lineage.orphans)),
        )

    def let_go(self) -> None:
        """A testimony and its group hold each other, and the run with all it carries: end that with the work."""
        for borne in self.testimonies.values():
            for testimony in borne:
                del testimony.group


class _Below:
    """What a run finds below itself when its own evidence is placed."""

    def __init__(self, reach: Reach, *, is_request: bool) -> None:
        # That a tool lies between matters for what a model call repeats, not for what a chain does.
        self.near = newest(reach.near if is_request else {**reach.near, **reach.far})
        self.far = newest(reach.far) if is_request else []
        self.requests = reach.requests
        self.cut = reach.cut
        self.known = any(group.usage is not None for group in self.near)

    def repeated_by(self, testimony: Testimony) -> Group | None:
        """The request below that `testimony` also tells of, if it is one."""
        counts = counts_of(testimony.evidence.usage)
        fits = [g for g in self.near if _fits(testimony, g)]
        same = (
            g for g in (*fits, *self.near, *self.far) if counts == counts_of(g.usage) and _attempts_agree(testimony, g)
        )
        if counts is not None and (group := next(same, None)):
            return group
        if counts is None:
            return max(fits, key=lambda g: (not g.failed, g.recency), default=None)
        if not self.requests:
            return None
        if not self.known:
            # What was returned is the last answer; one that failed has none to give, unless all has failed.
            unknown = (g for g in fits if g.usage is None and not (g.failed and testimony.run.status == "success"))
            return max(unknown, key=lambda g: (not g.failed, g.recency), default=None)
        bearing = [g for g in self.near if g.usage is not None]
        return bearing[0] if len(bearing) == 1 and not self.cut and bearing[0] in fits else None

    def is_told_in_all_by(self, testimony: Testimony) -> bool:
        """Whether `testimony` is a total, or a copy of one request among several that it does not name."""
        if testimony.evidence.attempt is not None or not self.near:
            return False
        usage = testimony.evidence.usage
        if usage is not None and not self.cut:
            below = [g.usage for g in self.near if g.usage is not None]
            sums = (sum(u.input_tokens for u in below), sum(u.output_tokens for u in below))
            if sums == (usage.input_tokens, usage.output_tokens):
                return True
        if not self.requests:
            return False
        if not testimony.is_request:
            return not testimony.group.root().owner.is_request
        return self.known and not all(_named_apart(testimony, g) for g in self.near)


def _fits(testimony: Testimony, group: Group) -> bool:
    """Whether nothing says that they are two requests."""
    return not _named_apart(testimony, group) and _attempts_agree(testimony, group)


def _named_apart(testimony: Testimony, group: Group) -> bool:
    return testimony.name is not None and bool(group.names) and testimony.name not in group.names


def _attempts_agree(testimony: Testimony, group: Group) -> bool:
    return testimony.evidence.attempt is None or group.attempts <= {testimony.evidence.attempt}
