"""`/metrics` of a running server, fed over HTTP; and the bounds of its label sets."""

import re
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from tests.store.samples import charge, uid
from tests.store.serving import Server, serving

from everytoken.core.charge import Charge
from everytoken.core.usage import Usage
from everytoken.ingest.counters import Counters
from everytoken.ingest.meters import CALL, Meters
from everytoken.ingest.trace_fold import TraceFold
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

    assert found["everytoken_tokens_total", "gpt-5.2", "input", "exact"] == 120
    assert found["everytoken_tokens_total", "gpt-5.2", "cache_read", "exact"] == 80
    assert found["everytoken_tokens_total", "gpt-5.2", "output", "exact"] == 40
    assert found["everytoken_llm_calls_total", "gpt-5.2", "exact", "success"] == 2
    assert found["everytoken_unpriced_calls_total", "gpt-imagined", "model_unknown"] == 1
    assert found["everytoken_llm_call_duration_seconds_sum", "gpt-imagined", "exact"] == 2
    assert sum(value for key, value in found.items() if key[0] == "everytoken_llm_errors_total") == 1
    # 60 input at 1.75, 40 cached at 0.175 and 20 output at 14 dollars a million, twice.
    assert found["everytoken_cost_usd_total", "gpt-5.2", "exact"] == pytest.approx(0.000784)


def test_every_figure_of_a_call_is_told_by_project_node_model_provider_and_quality(server: Server) -> None:
    run = llm_run("gpt-5.2-told")
    run["session_name"] = "told"
    run["events"] = [{"name": "new_token", "time": "2026-11-22T12:00:00.500Z"}]
    server.http.post("/runs/batch", json={"post": [run]})
    server.flush()

    call = {"project": "told", "node": "", "model": "gpt-5.2-told", "provider": "openai", "quality": "exact"}
    told = {
        sample.name: sample.value
        for family in text_string_to_metric_families(server.http.get("/metrics").text)
        for sample in family.samples
        if call.items() <= sample.labels.items() and sample.labels.get("le", "+Inf") == "+Inf"
        if sample.labels.get("token_class", "output") == "output"
    }
    assert told == {
        "everytoken_llm_calls_total": 1,
        "everytoken_tokens_total": 20,
        "everytoken_llm_call_duration_seconds_bucket": 1,
        "everytoken_llm_call_duration_seconds_count": 1,
        "everytoken_llm_call_duration_seconds_sum": 2,
        "everytoken_time_to_first_token_seconds_bucket": 1,
        "everytoken_time_to_first_token_seconds_count": 1,
        "everytoken_time_to_first_token_seconds_sum": 0.5,
    }
    costs = [
        sample.labels
        for family in text_string_to_metric_families(server.http.get("/metrics").text)
        if family.name in ("everytoken_cost_usd", "everytoken_llm_errors")
        for sample in family.samples
    ]
    assert {tuple(sorted(labels)) for labels in costs} == {("model", "node", "project", "provider", "quality")}


def test_coverage_is_the_share_of_ended_calls_whose_usage_is_exact(server: Server) -> None:
    runs = [llm_run("gpt-covered"), llm_run("gpt-covered"), llm_run("gpt-covered"), llm_run("gpt-covered", error="429")]
    running = llm_run("gpt-covered") | {"end_time": None, "outputs": None, "extra": {}}
    for run in (*runs, running):
        run["session_name"] = "covered"
    server.http.post("/runs/batch", json={"post": [*runs, running]})
    server.flush()

    (told,) = (
        sample.value
        for family in text_string_to_metric_families(server.http.get("/metrics").text)
        for sample in family.samples
        if sample.name == "everytoken_coverage_ratio" and sample.labels["project"] == "covered"
    )
    assert told == 0.75
    known = server.get("/projects/covered/coverage")
    assert (known["quality"]["exact"], known["quality"]["missing"]) == (3, 1)


def test_promtool_finds_nothing_to_say_of_what_hostile_names_left_behind(server: Server) -> None:
    names = ['q"uote', "back\\slash", "new\nline", "{}=,", "강남", "", " ", "\u0000", "\u202e", "x" * 5_000]
    runs = [llm_run(name) for name in names]
    for run, name in zip(runs, names, strict=True):
        run["session_name"] = name or "default"
    assert server.http.post("/runs/batch", json={"post": runs}).status_code == 202
    server.flush()

    done = subprocess.run(
        ["promtool", "check", "metrics"],
        input=server.http.get("/metrics").content,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_counters_never_fall_and_begin_at_0_with_each_start(tmp_path: Path) -> None:
    """What the ledger had before is not counted again, though its trace moves once more."""
    first, second = llm_run(), llm_run("gpt-imagined")
    with serving(tmp_path) as earlier:
        earlier.http.post("/runs/batch", json={"post": [first]})
        earlier.flush()
        assert samples(earlier)["everytoken_llm_calls_total", "gpt-5.2", "exact", "success"] == 1
    with serving(tmp_path) as later:
        assert not [key for key in samples(later) if key[0] == "everytoken_llm_calls_total"]
        assert later.get("/projects/shop/summary")["llm_calls"] == 1
        later.http.patch(f"/runs/{first['id']}", json={"tags": ["late"], "trace_id": first["id"]})
        later.http.post("/runs/batch", json={"post": [second]})
        later.flush()
        before = samples(later)
        assert before["everytoken_llm_calls_total", "gpt-imagined", "exact", "success"] == 1
        assert ("everytoken_llm_calls_total", "gpt-5.2", "exact", "success") not in before
        later.http.post("/runs/batch", json={"post": [llm_run(error="429")]})
        later.flush()
        after = samples(later)
        gauges = ("bytes", "queue", "seconds", "memory", "bodies", "waiting", "ratio", "fds", "subscribers")
        fell = [key for key, value in after.items() if before.get(key, 0) > value and not key[0].endswith(gauges)]
        assert fell == []


def test_a_call_that_was_running_when_its_trace_was_read_back_counts_when_it_ends(tmp_path: Path) -> None:
    root, ended, running = llm_run() | {"run_type": "chain", "extra": {}}, llm_run(), llm_run()
    for run in (ended, running):
        run |= {"trace_id": root["id"], "parent_run_id": root["id"]}
        run["dotted_order"] = f"{root['dotted_order']}.20261122T120000500000Z{run['id']}"
    fields = ("id", "trace_id", "parent_run_id", "dotted_order", "end_time", "outputs", "extra")
    end = {name: running[name] for name in fields}
    begin = {**running, "end_time": None, "outputs": None, "extra": {}}
    with serving(tmp_path) as earlier:
        earlier.http.post("/runs/batch", json={"post": [root, ended, begin]})
        earlier.flush()
        assert samples(earlier)["everytoken_llm_calls_total", "gpt-5.2", "exact", "success"] == 1
    with serving(tmp_path) as later:
        assert later.get("/projects/shop/summary")["quality"]["exact"] == 1
        later.http.post("/runs/batch", json={"patch": [end]})
        later.flush()
        assert later.get("/projects/shop/summary")["quality"]["exact"] == 2
        assert samples(later)["everytoken_llm_calls_total", "gpt-5.2", "exact", "success"] == 1


def test_commits_and_those_turned_away_are_told(tmp_path: Path) -> None:
    key = "et_admin_" + "a" * 40
    with serving(tmp_path, EVERYTOKEN_ADMIN_KEY=key) as server:
        for headers in ({}, {"x-api-key": "wrong"}, {"x-api-key": key}):
            server.http.post("/runs/batch", json={"post": [llm_run()]}, headers=headers)
        text = server.http.get("/metrics", headers={"authorization": f"Bearer {key}"}).text
    told = {(s.name, *s.labels.values()): s.value for f in text_string_to_metric_families(text) for s in f.samples}
    assert told["everytoken_turned_away_total", "401"] == 2
    assert told["everytoken_turned_away_total", "429"] == 0
    assert told["everytoken_journal_commit_seconds_count",] >= 1
    assert told["everytoken_journal_commit_seconds_sum",] > 0


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
        name = f"{family.name}_total" if family.type == "counter" else family.name
        told[name] = family.type
        for sample in family.samples:
            labelled[name] = tuple(sorted(set(sample.labels) - {"le"}))

    assert told == {name: kind for name, (kind, _) in listed.items()}
    assert {name: labels for name, labels in labelled.items() if listed[name][1] != labels} == {}
    assert len(rows) == len(listed) == len(told)


def counted(registry: CollectorRegistry) -> dict[tuple[str, ...], float]:
    return {
        tuple(sample.labels[name] for name in CALL): sample.value
        for family in registry.collect()
        if family.name == "everytoken_llm_calls"
        for sample in family.samples
    }


def test_beyond_the_bound_every_label_is_other_and_nothing_is_lost() -> None:
    registry = CollectorRegistry()
    meters = Meters(registry, max_series=3)
    charges = [replace(charge(str(n)), project=f"project-{n}") for n in range(10)]
    meters.observe(TraceFold(uid(1)), charges)

    calls = counted(registry)
    assert len(calls) == 4
    assert calls["other", "other", "other", "other"] == 7


def test_a_project_with_endless_names_takes_half_and_leaves_the_others_theirs() -> None:
    registry = CollectorRegistry()
    meters = Meters(registry, max_series=6)
    hostile = [replace(charge(str(n)), response_model=f"model-{n}") for n in range(10)]
    meters.observe(TraceFold(uid(1)), hostile)
    meters.observe(TraceFold(uid(2)), [replace(charge("mine"), project="desk", node="plan")])

    calls = counted(registry)
    assert len(calls) == 5
    assert calls["shop", "other", "other", "other"] == 7
    assert calls["desk", "plan", "gpt-5.2-2025-12-11", "openai"] == 1


def test_a_hundred_thousand_hostile_names_stay_a_few_thousand_lines() -> None:
    registry = CollectorRegistry()
    meters = Meters(registry)
    trace = TraceFold(uid(1))
    for n in range(100_000):
        name = f"{n}-" + "x" * 200
        meters.observe(trace, [replace(charge(str(n)), response_model=name, node=name, call_path=name)])

    calls = counted(registry)
    assert len(calls) == 1_001
    assert sum(calls.values()) == 100_000
    assert calls["shop", "other", "other", "other"] == 99_000
    text = generate_latest(registry)
    assert len(text.splitlines()) < 30_000
    assert len(text) < 16 * 1024**2


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
                "quality": "exact",
                "token_class": "input",
            },
        )
        == 100
    )
