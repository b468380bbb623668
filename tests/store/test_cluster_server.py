"""Two `everytoken serve` behind one address: every view the same on both, and the stores away and back."""

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.store.clickhouse_server import CLUSTER, ClickHouse
from tests.store.postgres import Postgres
from tests.store.serving import Server, serving

START = "2026-11-22T12:00:00.000001Z"
END = "2026-11-22T12:00:01Z"
MEBIBYTE = 1024**2


@pytest.fixture
def urls(clickhouse_url: str, database_url: str) -> dict[str, str]:
    return {"EVERYTOKEN_CLICKHOUSE_URL": clickhouse_url, "EVERYTOKEN_DATABASE_URL": database_url}


@pytest.fixture(scope="module")
def servers(
    tmp_path_factory: pytest.TempPathFactory, clickhouse: ClickHouse, postgres_server: Postgres
) -> Iterator[tuple[Server, Server]]:
    """Two servers on one ledger and one control database. Each test has a project of its own."""
    urls = {"EVERYTOKEN_CLICKHOUSE_URL": clickhouse.database(), "EVERYTOKEN_DATABASE_URL": postgres_server.database()}
    data = tmp_path_factory.mktemp("cluster")
    with ExitStack() as stack:
        here, there = (stack.enter_context(serving(data / name, **urls)) for name in ("a", "b"))
        yield here, there
    clickhouse.drop(urls["EVERYTOKEN_CLICKHOUSE_URL"])


def start(server: Server, run_id: str, trace_id: str, *, project: str = "shop", **more: Any) -> httpx.Response:
    wire = {"id": run_id, "trace_id": trace_id, "name": "chat", "run_type": "llm", "start_time": START}
    return server.http.post("/runs", json={**wire, "session_name": project, "inputs": {}, **more})


def end(server: Server, run_id: str, trace_id: str, tokens: int) -> httpx.Response:
    usage = {"input_tokens": tokens, "output_tokens": 1, "total_tokens": tokens + 1}
    outputs = {"usage_metadata": usage}
    return server.http.patch(f"/runs/{run_id}", json={"trace_id": trace_id, "end_time": END, "outputs": outputs})


def call(server: Server, tokens: int, **more: Any) -> int:
    """One model call; the status of its acceptance."""
    run_id = str(uuid.uuid4())
    accepted = start(server, run_id, run_id, **more).status_code
    return accepted if accepted >= 300 else end(server, run_id, run_id, tokens).status_code


def test_a_trace_in_two_halves_is_the_same_on_both_servers(servers: tuple[Server, Server]) -> None:
    here, there = servers
    for _ in range(5):
        run_id = str(uuid.uuid4())
        assert start(here, run_id, run_id, project="halves").status_code == 202
        assert end(there, run_id, run_id, 100).status_code == 202
    for server in servers:
        server.flush()

    summary = here.get("/projects/halves/summary")
    assert (summary["traces"], summary["llm_calls"], summary["total_tokens"]) == (5, 5, 505)
    assert there.get("/projects/halves/summary") == summary
    assert there.get("/traces", project="halves")["traces"] == here.get("/traces", project="halves")["traces"]
    told = [server.http.get("/sessions", params={"name": "halves"}).json()[0]["id"] for server in servers]
    assert told[0] == told[1]
    assert here.http.get("/info").json() == there.http.get("/info").json()


def test_on_two_shards_a_trace_that_both_servers_received_is_deleted_for_good(
    tmp_path: Path, cluster_url: str, database_url: str, clickhouse_cluster: ClickHouse
) -> None:
    urls = {"EVERYTOKEN_CLICKHOUSE_URL": cluster_url, "EVERYTOKEN_DATABASE_URL": database_url}
    urls |= {"EVERYTOKEN_CLICKHOUSE_CLUSTER": CLUSTER, "EVERYTOKEN_RETENTION_INTERVAL_S": "2"}
    root, late, *calls = (str(uuid.uuid4()) for _ in range(6))
    with (
        serving(tmp_path / "a", **urls) as here,
        serving(tmp_path / "b", EVERYTOKEN_FLUSH_INTERVAL_MS="1500", **urls) as there,
    ):
        assert start(here, root, root, run_type="chain").status_code == 202
        for one, other, run_id in zip((here, there) * 2, (there, here) * 2, calls, strict=True):
            assert start(one, run_id, root, parent_run_id=root).status_code == 202
            assert end(other, run_id, root, 10).status_code == 202
        assert call(here, 5) == 202
        for server in (here, there):
            server.flush()
        assert here.get("/projects/shop/summary")["total_tokens"] == 4 * 11 + 6
        assert there.get("/projects/shop/summary") == here.get("/projects/shop/summary")

        assert start(there, late, root, parent_run_id=root).status_code == 202  # on its way while the trace is deleted
        gone = here.http.delete(f"/everytoken/v1/traces/{root}", params={"project": "shop"})
        assert gone.json()["traces"] == 1
        assert end(there, late, root, 100).status_code == end(here, calls[0], root, 100).status_code == 202
        for server in (here, there):
            server.flush()
            assert server.get("/projects/shop/summary")["total_tokens"] == 6
            assert server.http.get(f"/everytoken/v1/traces/{root}").status_code == 404
        assert _on_disk(clickhouse_cluster, cluster_url) == {"run_versions": 1, "charge_versions": 1, "operations": 2}


def _on_disk(clickhouse: ClickHouse, url: str) -> dict[str, int]:
    """Distinct rows that the parts hold once a sweep has been over them, those that no read sees among them."""
    database, found = url.rpartition("/")[2], {}
    keys = {"run_versions": "run_id", "charge_versions": "charge_key", "operations": "digest"}
    for _ in range(40):
        for table, key in keys.items():
            rows = f"SELECT uniqExact({key}) FROM {database}.{table}_local SETTINGS apply_deleted_mask = 0"
            found[table] = int(clickhouse.run(rows))
        if sum(found.values()) <= 4:
            break
        time.sleep(0.25)
    return found


def test_while_clickhouse_is_away_the_journal_keeps_what_comes_and_reads_say_so(
    servers: tuple[Server, Server], clickhouse: ClickHouse
) -> None:
    here, _ = servers
    assert call(here, 10, project="away") == 202
    here.flush()
    clickhouse.stop()
    try:
        assert [call(here, 10, project="away") for _ in range(20)] == [202] * 20
        answer = here.http.get("/everytoken/v1/projects/away/summary")
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "5"
        assert answer.json()["error"] == "the ledger does not answer"
        assert here.http.get("/ok").status_code == 200
    finally:
        clickhouse.start()

    here.flush()
    summary = here.get("/projects/away/summary")
    assert (summary["llm_calls"], summary["total_tokens"]) == (21, 21 * 11)


def test_a_full_journal_refuses_and_everything_accepted_before_is_stored(
    tmp_path: Path, urls: dict[str, str], clickhouse: ClickHouse
) -> None:
    with serving(tmp_path / "a", EVERYTOKEN_JOURNAL_MAX_BYTES=str(MEBIBYTE), **urls) as server:
        clickhouse.stop()
        accepted = 0
        try:
            while (status := call(server, 10, extra={"padding": "x" * 100_000})) == 202:
                accepted += 1
                assert accepted < 20
        finally:
            clickhouse.start()
        assert status == 503
        assert accepted >= 5

        server.flush()
        assert server.get("/projects/shop/summary")["total_tokens"] == accepted * 11
        assert call(server, 10) == 202


def test_while_postgresql_is_away_ingest_goes_on_and_a_new_project_waits_for_it(
    servers: tuple[Server, Server], postgres_server: Postgres
) -> None:
    here, there = servers
    assert call(here, 10, project="known") == 202
    here.flush()
    postgres_server.stop()
    try:
        time.sleep(2.1)  # what is known of the projects is read again now
        assert call(here, 10, project="known") == 202
        assert call(here, 10, project="new") == 202
        assert here.get("/projects/known/summary")["total_tokens"] in (11, 22)
        feedback = here.http.get("/feedback")
        assert feedback.status_code == 503
        assert "the control database does not answer" in feedback.text
    finally:
        postgres_server.start()

    here.flush()
    for server in (here, there):
        assert server.get("/projects/known/summary")["total_tokens"] == 22
        assert server.get("/projects/new/summary")["total_tokens"] == 11


def test_a_server_killed_while_clickhouse_is_away_loses_nothing(
    tmp_path: Path, urls: dict[str, str], clickhouse: ClickHouse
) -> None:
    with serving(tmp_path / "a", **urls) as server:
        clickhouse.stop()
        try:
            assert [call(server, 10) for _ in range(10)] == [202] * 10
            server.stop(9)
        finally:
            clickhouse.start()
    with serving(tmp_path / "a", **urls) as server:
        server.flush()
        assert server.get("/projects/shop/summary")["total_tokens"] == 110


def test_a_server_told_to_stop_while_clickhouse_is_away_gives_up_in_time_and_loses_nothing(
    tmp_path: Path, urls: dict[str, str], clickhouse: ClickHouse
) -> None:
    with serving(tmp_path / "a", **urls) as server:
        clickhouse.stop()
        try:
            assert [call(server, 10) for _ in range(10)] == [202] * 10
            assert server.stop() == 0  # within the 30 s after which Kubernetes kills
        finally:
            clickhouse.start()
    with serving(tmp_path / "a", **urls) as server:
        server.flush()
        assert server.get("/projects/shop/summary")["total_tokens"] == 110


def test_an_attachment_and_feedback_given_to_one_server_are_read_at_the_other(servers: tuple[Server, Server]) -> None:
    here, there = servers
    run_id, bytes_sent = str(uuid.uuid4()), b"\x89PNG\x00\xff not text"
    wire = {"id": run_id, "trace_id": run_id, "name": "chat", "run_type": "llm", "start_time": START}
    score = {"run_id": run_id, "key": "nps", "score": 1}
    parts: dict[str, tuple[None, str | bytes, str]] = {
        f"post.{run_id}": (None, json.dumps({**wire, "session_name": "shop"}), "application/json"),
        f"feedback.{uuid.uuid4()}": (None, json.dumps(score), "application/json"),
    }
    parts[f"attachment.{run_id}.photo"] = (None, bytes_sent, f"image/png; length={len(bytes_sent)}")
    accepted = here.http.post("/runs/multipart", files=parts)
    assert accepted.status_code == 202, accepted.text
    here.flush()

    (where,) = there.http.get(f"/runs/{run_id}").json()["s3_urls"].values()
    assert there.http.get(where["presigned_url"]).content == bytes_sent
    deadline = time.monotonic() + 20
    while not (given := there.http.get("/feedback", params={"run": run_id}).json()) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert [(one["key"], one["score"]) for one in given] == [("nps", 1.0)]


def test_a_key_revoked_on_one_server_is_refused_by_another_that_nobody_asked_meanwhile(
    tmp_path: Path, urls: dict[str, str]
) -> None:
    """What changes at one server is known at the others within two seconds, not with the second request there."""
    admin = "a-key-given-from-outside-for-tests"
    given = {**urls, "EVERYTOKEN_ADMIN_KEY": admin}
    with serving(tmp_path / "a", **given) as here, serving(tmp_path / "b", **given) as there:
        body = {"name": "leaked", "scopes": ["read"]}
        made = here.http.post("/everytoken/v1/keys", json=body, headers={"x-api-key": admin}).json()
        leaked = {"x-api-key": made["text"]}
        time.sleep(3)
        assert there.http.get("/everytoken/v1/projects", headers=leaked).status_code == 200
        cookie = there.http.post("/everytoken/v1/session", json={"key": made["text"]}).headers["set-cookie"]
        there.http.cookies.clear()
        time.sleep(3)
        revoked = here.http.delete(f"/everytoken/v1/keys/{made['key']['key_id']}", headers={"x-api-key": admin})
        assert revoked.status_code == 200
        assert here.http.get("/everytoken/v1/projects", headers=leaked).status_code == 401
        time.sleep(3)
        assert there.http.get("/everytoken/v1/projects", headers=leaked).status_code == 401
        login = {"cookie": cookie.partition(";")[0]}
        assert here.http.get("/everytoken/v1/projects", headers=login).status_code == 401
