"""Settlement as a law: in any world of nested layers, the charges are what the provider billed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from everytoken.core.charge import Evidence, Layer
from everytoken.core.run import Run
from everytoken.core.settle import Settlement, settle
from everytoken.core.usage import Usage


@dataclass
class World:
    """Runs of one trace as layers report them, beside the provider's own book."""

    runs: list[Run] = field(default_factory=list)
    evidence: dict[str, list[Evidence]] = field(default_factory=dict)
    billed: list[tuple[int, int]] = field(default_factory=list)
    unseen: int = 0
    """Billed requests whose usage no layer saw."""
    numbers: "count[int]" = field(default_factory=count)

    def run(self, parent: str | None, run_type: str, status: str = "success") -> str:
        number = next(self.numbers)
        run_id = f"{number:04}"
        self.runs.append(
            Run(
                run_id=run_id, trace_id="0000", project="p", parent_run_id=parent, run_type=run_type,
                start_us=number * 10, end_us=number * 10 + 500, status=status,
            )
        )  # fmt: skip
        return run_id

    def tell(
        self, run_id: str, layer: Layer, usage: Usage | None, response_id: str | None, attempt: str | None = None
    ) -> None:
        told = self.evidence.setdefault(run_id, [])
        told.append(
            Evidence(
                run_id=run_id, index=len(told), usage=usage, provider="openai", request_model="gpt-5.2",
                response_model=None, response_id=response_id, call_path="openai.chat", layer=layer, place="",
                attempt=attempt,
            )
        )  # fmt: skip

    def cached(self, run_id: str, usage: Usage, response_id: str | None) -> None:
        self.tell(run_id, "framework", usage, response_id)
        last = self.evidence[run_id].pop()
        fields = {name: getattr(last, name) for name in Evidence.__slots__}
        self.evidence[run_id].append(Evidence(**{**fields, "cached_answer": True}))

    def evidence_of(self) -> Callable[[Run], tuple[Evidence, ...]]:
        return lambda run: tuple(self.evidence.get(run.run_id, ()))


class Maker:
    """Draws one world, request by request."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.world = World()
        self.ids = count(1)

    def usage(self) -> Usage:
        # Different totals for different requests: the odds of the real world, where equal ones are rare.
        number = next(self.ids)
        usage = Usage(input_tokens=1000 * number + self.draw(st.integers(0, 400)), output_tokens=number)
        self.world.billed.append((usage.input_tokens, usage.output_tokens))
        return usage

    def chains(self, parent: str, copy: Usage | None) -> str:
        """None to two chains, each of which may repeat what is below it."""
        for _ in range(self.draw(st.integers(0, 2))):
            parent = self.world.run(parent, "chain")
            if copy is not None and self.draw(st.booleans()):
                self.world.tell(parent, "manual", copy, self.draw(JOB))
        return parent

    def layered(self, parent: str) -> None:
        """One request, or several attempts at one, seen by a random nest of layers."""
        attempts = self.draw(st.sampled_from([1, 1, 1, 2, 3]))
        billed = [self.usage() for _ in range(attempts)]
        response_id = f"resp_{next(self.ids)}" if self.draw(st.booleans()) else None
        layers: list[Layer] = [layer for layer in OUTER if self.draw(st.booleans())]
        at_transport = attempts > 1 or not layers or self.draw(st.booleans())
        seen_above = {layer for layer in layers if self.draw(st.booleans())}
        seen_below = attempts > 1 or not seen_above or self.draw(st.booleans())
        if not at_transport and not seen_above:
            seen_above = set(layers)
        if attempts == 1 and self.draw(st.integers(0, 3)) == 0:
            parent = self.world.run(parent, "llm")
            self.world.tell(parent, "manual", billed[0] if self.draw(st.booleans()) else None, self.draw(JOB))
        for layer in layers:
            parent = self.chains(parent, billed[-1] if attempts == 1 else None)
            parent = self.world.run(parent, "llm")
            usage = billed[-1] if layer in seen_above else None
            # Several choices are several copies of one answer, and only its id tells them from a batch.
            copies = self.draw(st.integers(1, 3)) if response_id and layer == "framework" else 1
            for _ in range(copies):
                self.world.tell(parent, layer, usage, response_id)
        if at_transport:
            for number, usage in enumerate(billed):
                last = number == attempts - 1
                attempt = self.world.run(parent, "llm", "success" if last else "error")
                seen = usage if seen_below else None
                named = last and (not layers or self.draw(st.booleans()))
                told_id = response_id if named else None
                self.world.tell(attempt, "transport", seen, told_id, str(number) if attempts > 1 else None)
        if response_id and attempts == 1:
            self.repeats(billed[-1], response_id)

    def repeats(self, usage: Usage, response_id: str) -> None:
        """The same answer again: read back, or out of the framework's cache."""
        if self.draw(st.integers(0, 4)) == 0:
            again = self.world.run("0000", "llm")
            self.world.tell(again, "sdk", usage, response_id)
        if self.draw(st.integers(0, 4)) == 0:
            self.world.cached(self.world.run("0000", "llm"), usage, response_id)

    def unseen(self, parent: str) -> None:
        """A cut stream: two layers know of it, none knows its usage."""
        outer = self.world.run(parent, "llm")
        self.world.tell(outer, "framework", None, None)
        self.world.tell(self.world.run(outer, "llm"), "sdk", None, None)
        self.world.unseen += 1

    def manual(self, parent: str) -> None:
        """A count set by hand on a chain, and repeated by the chains around it."""
        usage = self.usage()
        outer = self.chains(parent, usage)
        self.world.tell(self.world.run(outer, "chain"), "manual", usage, self.draw(JOB))

    def agent(self, parent: str) -> None:
        """An agent's run that totals up the requests below it, and so does its task's."""
        task = self.world.run(parent, "chain")
        agent = self.world.run(task, "chain")
        before = len(self.world.billed)
        for _ in range(self.draw(st.integers(1, 3))):
            self.layered(agent)
        below = self.world.billed[before:]
        total = Usage(
            input_tokens=sum(i for i, _ in below), output_tokens=sum(o for _, o in below), requests=len(below)
        )
        for run_id in (task, agent):
            self.world.tell(run_id, "agents", total, None)

    def make(self) -> World:
        root = self.world.run(None, "chain")
        for _ in range(self.draw(st.integers(1, 5))):
            parent = self.world.run(root, self.draw(st.sampled_from(["chain", "tool"])))
            self.draw(st.sampled_from([self.layered, self.layered, self.manual, self.agent, self.unseen]))(parent)
        return self.world


OUTER: tuple[Layer, ...] = ("agents", "framework", "sdk")
JOB = st.sampled_from([None, "job_1"])
"""What a function of the application returns as `id`: of the whole job and not of a request."""


@st.composite
def worlds(draw: st.DrawFn) -> World:
    return Maker(draw).make()


def tokens(settlement: Settlement) -> list[tuple[int, int]]:
    return sorted((c.usage.input_tokens, c.usage.output_tokens) for c in settlement.charges if c.usage)


@given(worlds())
@settings(max_examples=150, deadline=None)
def test_the_charges_are_what_the_provider_billed(world: World) -> None:
    result = settle(world.runs, world.evidence_of())
    assert tokens(result) == sorted(world.billed)
    assert sum(c.quality == "missing" for c in result.charges) == world.unseen
    assert len({c.charge_key for c in result.charges}) == len(result.charges)


@given(worlds(), st.data())
@settings(max_examples=80, deadline=None)
def test_any_order_duplication_and_split_gives_the_same_charges(world: World, data: st.DataObject) -> None:
    whole = settle(world.runs, world.evidence_of())
    twice = data.draw(st.lists(st.sampled_from(world.runs), max_size=5))
    shuffled = data.draw(st.permutations([*world.runs, *twice]))
    cut = data.draw(st.integers(0, len(shuffled)))
    early = settle(shuffled[:cut], world.evidence_of())
    assert len({c.charge_key for c in early.charges}) == len(early.charges)
    assert settle([*shuffled[cut:], *shuffled[:cut]], world.evidence_of()) == whole
    assert settle(shuffled, world.evidence_of()) == whole


@given(worlds())
@settings(max_examples=50, deadline=None)
def test_all_evidence_is_in_a_charge_or_among_the_duplicates(world: World) -> None:
    result = settle(world.runs, world.evidence_of())
    owned = {(c.run_id, c.charge_key) for c in result.charges}
    suppressed = {(d.evidence.run_id, d.evidence.index) for d in result.duplicates}
    assert len(owned) == len(result.charges)
    assert len(owned) + len(suppressed) == sum(len(told) for told in world.evidence.values())


parents = st.one_of(st.none(), st.integers(0, 8).map(str))


@given(st.lists(st.tuples(parents, st.sampled_from(["llm", "chain", "tool"]), st.booleans()), max_size=9), st.data())
@settings(max_examples=150, deadline=None)
def test_any_graph_of_parents_settles_the_same_in_any_order(
    shape: list[tuple[str | None, str, bool]], data: st.DataObject
) -> None:
    runs = [
        Run(run_id=str(i), trace_id="0", project="p", parent_run_id=parent, run_type=kind, start_us=i % 3)
        for i, (parent, kind, _) in enumerate(shape)
    ]
    told = {
        str(i): Evidence(
            run_id=str(i), usage=Usage(input_tokens=i % 2 + 1), provider=None, request_model=None, response_model=None,
            response_id=data.draw(st.sampled_from([None, "a", "b"])), call_path="", place="",
            layer=data.draw(st.sampled_from(["transport", "sdk", "framework", "manual"])),
            attempt=data.draw(st.sampled_from([None, None, "1", "2"])),
        )
        for i, (_, _, bears) in enumerate(shape) if bears
    }  # fmt: skip

    def evidence_of(run: Run) -> tuple[Evidence, ...]:
        return (told[run.run_id],) if run.run_id in told else ()

    whole = settle(runs, evidence_of)
    assert settle(data.draw(st.permutations(runs)), evidence_of) == whole
    assert len({c.charge_key for c in whole.charges}) == len(whole.charges)
    assert bool(whole.charges) == bool(told)
