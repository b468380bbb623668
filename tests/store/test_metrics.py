"""`/metrics` of a running server, fed over HTTP; and the bounds of its label sets."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from tests.store.samples import charge, uid
from tests.store.serving import Server, serving

from everytoken.core.charge import Charge
from everytoken.core.usage import Usage
from everytoken.ingest.counters import Counters
from everytoken.ingest.fold import TraceFold
from everytoken.ingest.meters import CALL, Meters
from everytoken.server.metrics import COUNTED


def llm_run(model: str = "gpt-5.2", error: str | None = None) -> dict[str, object]:
    run_id = str(uuid.uuid4())
    usage = {"input_tokens": 100, "output_tokens": 20, "total_tokens": 120, "input_token_details": {"cache_read": 40}}
    return {
        "id": run_id,
        "trace_id": run_id,
        "dotted_order": f"20261122T120000000000Z{run_id}",
        "name": "ChatOpenAI",
        "run_type": "llm",
        "session_name": "shop",
        "start_time": "2026-11-22T12:00:00Z",
        "end_time": "2026-11-22T12:00:02Z",
        "error": error,
        "inputs": {"messages": [{"role": "user", "content": "hello"}]},
        "outputs": None if error else {"messages": []},
        "extra": {
            "metadata": {
                "ls_provider": "openai",
                "ls_model_name": model,
                **({} if error else {"usage_metadata": usage}),
            }
        },
    }


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("metrics")) as running:
        body = {"post": [llm_run(), llm_run(), llm_run("gpt-imagined"), llm_run(error="429")]}
        assert running.http.post("/runs/batch", json=body).status_code == 202
        running.flush()
        running.flush()
        yield running


def samples(server: Server) -> dict[tuple[str, ...], float]:
    """Name and the labels that matter here → value."""
    shown = ("model", "token_class", "quality", "reason", "status")
    found: dict[tuple[str, ...], float] = {}
    for family in text_string_to_metric_families(server.http.get("/metrics").text):
        for sample in family.samples:
            if "le" not in sample.labels:
                key = (sample.name, *(sample.labels[name] for name in shown if name in sample.labels))
                found[key] = found.get(key, 0.0) + sample.value
    return found


def test_tokens_cost_and_calls_are_counted_once_each(server: Server) -> None:
    found = samples(server)

    assert found["everytoken_tokens_total", "gpt-5.2", "input"] == 120
    assert found["everytoken_tokens_total", "gpt-5.2", "cache_read"] == 80
    assert found["everytoken_tokens_total", "gpt-5.2", "output"] == 40
    assert found["everytoken_llm_calls_total", "gpt-5.2", "exact", "success"] == 2
    assert found["everytoken_unpriced_calls_total", "gpt-imagined", "model_unknown"] == 1
    assert found["everytoken_llm_call_duration_seconds_sum", "gpt-imagined"] == 2
    assert sum(value for key, value in found.items() if key[0] == "everytoken_llm_errors_total") == 1
    # 60 input at 1.75, 40 cached at 0.175 and 20 output at 14 dollars a million, twice.
    assert found["everytoken_cost_usd_total", "gpt-5.2"] == pytest.approx(0.000784)


def test_a_second_scrape_and_a_retry_change_nothing(server: Server) -> None:
    before = samples(server)
    run = llm_run("gpt-5.2-mini")
    for _ in range(2):
        server.http.post("/runs/batch", json={"post": [run]})
        server.flush()

    after = samples(server)
    assert after["everytoken_llm_calls_total", "gpt-5.2", "exact", "success"] == 2
    assert after["everytoken_llm_calls_total", "gpt-5.2-mini", "exact", "success"] == 1
    assert after["everytoken_ingest_duplicates_total",] > before["everytoken_ingest_duplicates_total",]


def test_what_clients_lost_is_counted_once_and_shown(server: Server) -> None:
    told = [llm_run(), llm_run(), llm_run()]
    metadata = [{"everytoken_dropped": 3}, {"everytoken_lost_by_langsmith": 2}, {"everytoken_dropped": "many"}]
    for run, more in zip(told, metadata, strict=True):
        run["session_name"] = "lossy"
        run["extra"] = {"metadata": more}
    for _ in range(2):  # the same again is no new loss
        server.http.post("/runs/batch", json={"post": told})
        server.flush()

    coverage = server.get("/projects/lossy/coverage")
    assert (coverage["dropped_by_clients"], coverage["dropped_by_langsmith"]) == (5, 2)
    text = server.http.get("/metrics").text
    assert 'everytoken_client_dropped_runs_total{by="everytoken",project="lossy"} 3.0' in text
    assert 'everytoken_client_dropped_runs_total{by="langsmith",project="lossy"} 2.0' in text


def test_the_server_tells_of_its_own_queues_and_counters(server: Server) -> None:
    found = samples(server)

    assert set(COUNTED) == set(Counters.__dataclass_fields__)
    assert {(f"everytoken_ingest_{name}_total",) for name in COUNTED} <= found.keys()
    for name in server.get("/health")["counters"]:
        stem = name.removesuffix("_ms")
        assert re.search(rf"everytoken_(ingest_)?{stem}(_total|_seconds)? ", server.http.get("/metrics").text), name
    assert found["everytoken_journal_max_bytes",] == 2 * 1024**3
    assert found["everytoken_settle_lag_seconds",] == 0
    assert found["everytoken_ingest_dropped_total",] == 0
    assert found["everytoken_build_info",] == 1
    assert found["process_resident_memory_bytes",] > 0


def test_the_reference_page_lists_what_a_server_tells_and_no_more(server: Server) -> None:
    page = (Path(__file__).parents[2] / "docs/reference/metrics.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| `")]
    listed = {name.strip("`"): (kind, tuple(sorted(re.findall(r"`(\w+)`", labels)))) for name, kind, labels, _ in rows}
    told: dict[str, str] = {}
    labelled: dict[str, tuple[str, ...]] = {}
    for family in text_string_to_metric_families(server.http.get("/metrics").text):
        if family.name.endswith("_created"):  # when a series began, which the format adds by itself
            continue
        name = f"{family.name}_total" if family.type == "counter" else family.name
        told[name] = family.type
        for sample in family.samples:
            labelled[name] = tuple(sorted(set(sample.labels) - {"le"}))

    assert told == {name: kind for name, (kind, _) in listed.items()}
    assert {name: labels for name, labels in labelled.items() if listed[name][1] != labels} == {}
    assert len(rows) == len(listed) == len(told)


def test_beyond_the_bound_every_label_is_other_and_nothing_is_lost() -> None:
    registry = CollectorRegistry()
    meters = Meters(registry, max_series=3)
    charges = [replace(charge(str(n)), response_model=f"model-{n}") for n in range(10)]
    meters.observe(TraceFold(uid(1)), charges)

    calls = {
        tuple(sample.labels[name] for name in CALL): sample.value
        for family in registry.collect()
        if family.name == "everytoken_llm_calls"
        for sample in family.samples
        if sample.name.endswith("_total")
    }
    assert len(calls) == 4
    assert calls["other", "other", "other", "other"] == 7


def test_a_charge_counts_when_it_ended_and_not_again_when_it_is_settled_anew() -> None:
    registry = CollectorRegistry()
    meters, trace = Meters(registry), TraceFold(uid(1))
    running: Charge = replace(charge("a", None, tokens=None), status="pending")
    for told in (running, charge("a"), replace(charge("a"), usage=Usage(7, 7))):
        meters.observe(trace, [told])

    assert (
        registry.get_sample_value(
            "everytoken_tokens_total",
            {
                "project": "shop",
                "node": "",
                "model": "gpt-5.2-2025-12-11",
                "provider": "openai",
                "token_class": "input",
            },
        )
        == 100
    )
