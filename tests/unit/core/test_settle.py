"""Settlement by value: one rule a test."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from everytoken.core.charge import Evidence, Layer
from everytoken.core.run import Run
from everytoken.core.settle import Settlement, settle
from everytoken.core.usage import Usage

Told = Mapping[str, tuple[Evidence, ...]]


def run(run_id: str, parent: str | None = "root", run_type: str = "llm", **fields: Any) -> Run:
    start = fields.pop("start_us", 100)
    return Run(
        run_id=run_id, trace_id="root", project="p", parent_run_id=parent, run_type=run_type, start_us=start,
        end_us=fields.pop("end_us", start + 50), status=fields.pop("status", "success"), **fields,
    )  # fmt: skip


ROOT = run("root", parent=None, run_type="chain", start_us=0)


def used(tokens_in: int, tokens_out: int, **fields: Any) -> Usage:
    return Usage(input_tokens=tokens_in, output_tokens=tokens_out, **fields)


def says(run_id: str, usage: Usage | None, layer: Layer = "sdk", **fields: Any) -> Evidence:
    base = {"provider": "openai", "request_model": "gpt-5.2", "response_model": None, "response_id": None}
    given = {"call_path": "openai.chat", "place": "outputs.usage", **base, **fields}
    return Evidence(run_id=run_id, usage=usage, layer=layer, **given)


def telling(*evidence: Evidence) -> Callable[[Run], tuple[Evidence, ...]]:
    return lambda r: tuple(e for e in evidence if e.run_id == r.run_id)


def settled(runs: Iterable[Run], *evidence: Evidence) -> Settlement:
    return settle([ROOT, *runs], telling(*evidence))


def tokens(settlement: Settlement) -> list[tuple[str, int | None]]:
    return [(c.charge_key, c.usage.total_tokens if c.usage else None) for c in settlement.charges]


def test_one_run_with_usage_is_one_charge() -> None:
    result = settled([run("a")], says("a", used(47, 12)))
    assert tokens(result) == [("run:a", 59)]
    assert result.charges[0].quality == "exact"
    assert result.duplicates == ()


def test_the_same_response_id_is_one_charge_and_the_nearest_layer_owns_it() -> None:
    runs = [run("lc"), run("sdk", "lc"), run("http", "sdk")]
    result = settled(
        runs,
        says("lc", used(10, 5), "framework", response_id="r1"),
        says("sdk", used(10, 5), "sdk", response_id="r1"),
        says("http", used(10, 5), "transport", response_id="r1"),
    )
    (charge,) = result.charges
    assert (charge.charge_key, charge.run_id, charge.run_ids) == ("response:r1", "http", ("http", "sdk", "lc"))
    assert charge.layers_seen == ("transport", "sdk", "framework")
    assert {d.reason for d in result.duplicates} == {"same_response_id"}


def test_an_llm_run_above_llm_runs_with_usage_is_not_a_second_charge_even_through_chains() -> None:
    runs = [run("outer"), run("step", "outer", "chain"), run("inner", "step")]
    result = settled(runs, says("outer", used(10, 5), "manual"), says("inner", used(10, 5)))
    assert tokens(result) == [("run:inner", 15)]
    assert [(d.evidence.run_id, d.reason, d.charge_key) for d in result.duplicates] == [
        ("outer", "parent_llm_run", "run:inner")
    ]


def test_usage_on_a_chain_next_to_an_llm_run_is_not_counted() -> None:
    runs = [run("node", run_type="chain"), run("llm", "node")]
    result = settled(runs, says("node", used(10, 5), "manual"), says("llm", used(10, 5)))
    assert tokens(result) == [("run:llm", 15)]
    assert [d.reason for d in result.duplicates] == ["repeated_on_chain"]


def test_usage_on_a_chain_without_llm_runs_is_a_flagged_charge() -> None:
    result = settled([run("node", run_type="chain")], says("node", used(10, 5), "manual"))
    assert tokens(result) == [("run:node", 15)]
    assert result.charges[0].flags == ("on_chain_run",)
