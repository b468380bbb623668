"""Content past its retention leaves and the numbers stay; charges past theirs leave; a person is erased at once."""

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.store import samples
from tests.store.samples import NOON_US, opened
from tests.store.serving import Server, serving

from everytoken.config import Settings
from everytoken.server.retention import Limits, Sweeper, limits_of
from everytoken.store.control import Control
from everytoken.store.errors import StoreUnavailableError
from everytoken.store.ledger import Ledger
from everytoken.store.operations import OperationKey, StoredOperation
from everytoken.store.project_settings import ProjectSettings
from everytoken.store.retention import DAY_US, MAX_WEEKS, Retention

OURS = "/everytoken/v1"
SECRET = "the customer's own words"


def call(run_id: str, *, project: str = "shop", start: str = "2026-11-01T12:00:00", **more: Any) -> dict[str, Any]:
    usage = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
    return {
        "id": run_id, "trace_id": run_id, "name": "chat", "run_type": "llm", "session_name": project,
        "start_time": f"{start}Z", "end_time": f"{start}.5Z",
        "inputs": {"q": SECRET}, "outputs": {"usage_metadata": usage, "text": SECRET},
        "extra": {"metadata": {"thread_id": "t-1", "user_id": "kim", "ls_provider": "openai",
                               "ls_model_name": "gpt-5.2", "langgraph_node": "answer"},
                  "invocation_params": {"system": SECRET}},
        **more,
    }  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("kept") / "data", EVERYTOKEN_RETENTION_INTERVAL_S="1") as served:
        yield served


def send(server: Server, *bodies: dict[str, Any]) -> None:
    for body in bodies:
        assert server.http.post("/runs", json=body).status_code == 202
    server.flush()


VIEWS = ("summary", "nodes", "models", "users", "threads", "coverage", "dearest")


def numbers(server: Server, project: str) -> dict[str, Any]:
    """What every view of the project says."""
    at = f"/projects/{project}"
    told = {name: server.get(f"{at}/{name}") for name in VIEWS}
    told["series"] = server.get(f"{at}/series?from=2026-10-30T00:00:00Z&to=2026-11-05T00:00:00Z")
    told["charges"] = server.get("/charges", project=project)
    told["traces"] = server.get("/traces", project=project)
    session = server.http.get("/sessions", params={"name": project, "include_stats": "true"}).json()[0]
    told["session"] = {key: session[key] for key in ("run_count", "total_tokens", "total_cost")}
    shown: dict[str, Any] = json.loads(json.dumps(told), object_hook=without_previews)  # they are content
    return shown


def without_previews(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if "preview" not in key}


def wait_for(server: Server, project: str, action: str) -> dict[str, Any]:
    """The first entry of the audit log about it."""
    for _ in range(100):
        entries = server.get("/audit", action=action)["entries"]
        found = [entry for entry in entries if entry["subject"] == project]
        if found:
            return dict(found[0]["after"])
        time.sleep(0.1)
    raise AssertionError(f"no {action} of {project}")


def change(server: Server, project: str, **settings: Any) -> None:
    answer = server.http.patch(f"{OURS}/projects/{project}/settings", json=settings)
    assert answer.status_code == 200, answer.text


def test_content_leaves_and_the_numbers_of_every_view_stay(server: Server) -> None:
    run_id, other = str(uuid.uuid4()), str(uuid.uuid4())
    send(server, call(run_id), call(other, project="kept"))
    before = numbers(server, "shop")
    assert before["summary"]["total_tokens"] == 15
    assert server.http.get(f"/runs/{run_id}").json()["inputs"] == {"q": SECRET}

    change(server, "shop", content_retention_days=1)

    told = wait_for(server, "shop", "retention.content")
    assert (told["days"], told["rows"]) == (1, 1)
    run = server.http.get(f"/runs/{run_id}")
    assert SECRET not in run.text
    assert run.json()["total_tokens"] == 15
    assert SECRET not in json.dumps(server.get(f"/traces/{run_id}"))
    assert numbers(server, "shop") == before
    assert server.http.get(f"/runs/{other}").json()["inputs"] == {"q": SECRET}


def test_a_late_patch_after_its_content_left_changes_no_charge(server: Server) -> None:
    run_id = str(uuid.uuid4())
    send(server, call(run_id, project="late"))
    change(server, "late", content_retention_days=1)
    wait_for(server, "late", "retention.content")
    before = server.get("/charges", project="late")
    late = {"trace_id": run_id, "tags": ["reviewed"]}
    # the trace is settled anew from what the ledger has: nothing there tells its usage any more
    assert server.http.patch(f"/runs/{run_id}", json=late).status_code == 202
    server.flush()
    assert server.http.get(f"/runs/{run_id}").json()["tags"] == ["reviewed"]
    assert server.get("/charges", project="late") == before


def test_charges_leave_after_theirs(server: Server) -> None:
    old, new = str(uuid.uuid4()), str(uuid.uuid4())
    send(server, call(old, project="both"), call(new, project="both", start="2026-11-22T12:00:00"))
    change(server, "both", content_retention_days=10, charge_retention_days=10)
    assert wait_for(server, "both", "retention.charges")["days"] == 10
    summary = server.get("/projects/both/summary")
    assert (summary["runs"], summary["llm_calls"], summary["total_tokens"]) == (1, 1, 15)
    assert server.http.get(f"/runs/{old}").status_code == 404
    assert server.http.get(f"/runs/{new}").json()["inputs"] == {"q": SECRET}


def test_a_person_is_erased_and_their_charges_stay_nobodys(server: Server) -> None:
    run_id, other = str(uuid.uuid4()), str(uuid.uuid4())
    lee: dict[str, Any] = {
        "extra": {"metadata": {"user_id": "lee/1", "ls_provider": "openai", "ls_model_name": "gpt-5.2"}}
    }
    send(
        server,
        call(run_id, project="people", tags=["kim's"], error="Refused: kim"),
        call(other, project="people", **lee),
    )
    feedback = {"run_id": run_id, "key": "stars", "score": 1, "comment": SECRET}
    assert server.http.post("/feedback", json=feedback).status_code == 200
    before = server.get("/projects/people/summary")

    answer = server.http.delete(f"{OURS}/projects/people/users/kim/data")

    expected = {"project": "people", "traces": 1, "charges": "kept", "attachments": 0, "is_more": False}
    assert answer.json() == expected
    assert server.get("/projects/people/summary") == before
    run = server.http.get(f"/runs/{run_id}").text
    assert not [word for word in (SECRET, "kim", "t-1") if word in run]
    charges = {charge["trace_id"]: charge for charge in server.get("/charges", project="people")["charges"]}
    assert [charges[run_id][key] for key in ("user_id", "thread_id", "total_tokens")] == [None, None, 15]
    assert charges[other]["user_id"] == "lee/1"
    assert server.http.get("/feedback", params={"run": run_id}).json() == []
    assert "kim" not in json.dumps(server.get("/audit", action="data.erase"))
    assert server.http.delete(f"{OURS}/projects/people/users/kim/data").json() == {**expected, "traces": 0}

    gone = server.http.delete(f"{OURS}/projects/people/users/lee/1/data", params={"charges": "true"})
    assert (gone.json()["traces"], gone.json()["charges"]) == (1, "deleted")
    assert server.get("/projects/people/summary")["llm_calls"] == 1


@pytest.mark.parametrize("way", ["product", "langsmith"])
def test_late_parts_of_a_deleted_trace_stay_away(server: Server, way: str) -> None:
    run_id, child, project = str(uuid.uuid4()), str(uuid.uuid4()), f"gone-{way}"
    send(server, call(run_id, project=project), call(child, project=project, trace_id=run_id, parent_run_id=run_id))
    session = server.http.get("/sessions", params={"name": project}).json()[0]["id"]
    if way == "product":
        assert server.http.delete(f"{OURS}/traces/{run_id}", params={"project": project}).status_code == 200
    else:
        body = {"session_id": session, "trace_ids": [run_id]}
        assert server.http.post("/api/v1/runs/delete", json=body).status_code == 200
    assert server.http.get(f"/runs/{run_id}").status_code == 404
    dropped = float(metric(server, "everytoken_ingest_deleted_total"))
    assert server.http.patch(f"/runs/{child}", json={"outputs": {"late": SECRET}}).status_code == 202
    send(
        server,
        call(str(uuid.uuid4()), project=project, trace_id=run_id, parent_run_id=child),
        call(run_id, project=project),
    )
    assert server.get(f"/projects/{project}/summary")["runs"] == 0
    assert float(metric(server, "everytoken_ingest_deleted_total")) == dropped + 3
    assert server.http.delete(f"{OURS}/traces/{run_id}", params={"project": project}).status_code == 404


def metric(server: Server, name: str) -> str:
    lines = server.http.get("/metrics").text.splitlines()
    return next(line.split()[1] for line in lines if line.startswith(f"{name} "))


def test_an_attachment_leaves_with_the_last_run_that_names_it(server: Server) -> None:
    first, second = (send_attachment(server, "files") for _ in range(2))
    (url,) = [one["presigned_url"] for one in server.http.get(f"/runs/{first}").json()["s3_urls"].values()]
    assert server.http.get(url).content == b"picture"
    gone = server.http.delete(f"{OURS}/traces/{first}", params={"project": "files"})
    assert gone.json()["attachments"] == 0
    assert server.http.get(url).content == b"picture"
    gone = server.http.delete(f"{OURS}/traces/{second}", params={"project": "files"})
    assert gone.json()["attachments"] == 1
    assert server.http.get(url).status_code == 404


def send_attachment(server: Server, project: str) -> str:
    run_id = str(uuid.uuid4())
    body = call(run_id, project=project)
    files: dict[str, tuple[None, str | bytes, str]] = {
        f"post.{run_id}": (None, json.dumps(body), "application/json"),
        f"attachment.{run_id}.image": (None, b"picture", "image/png; length=7"),
    }
    assert server.http.post("/runs/multipart", files=files).status_code == 202
    server.flush()
    return run_id


@dataclass
class World:
    ledger: Ledger
    control: Control
    now_us: int

    def sweep(self, settings: Settings) -> bool:
        return Sweeper(settings, self.ledger, self.control, lambda *_: 0, lambda: self.now_us).sweep()

    def shown(self, project: str = "shop") -> list[Any]:
        return [run.inputs for run in self.ledger.read_trace(samples.TRACE, project)]


@pytest.fixture
def world(tmp_path: Path, engine: None) -> Iterator[World]:
    with opened(tmp_path / "data") as ledger:
        (tmp_path / "data").mkdir(exist_ok=True)
        control = Control.open(Settings(data=tmp_path / "data"))
        yield World(ledger, control, NOON_US + 2 * DAY_US)
        control.close()


@pytest.mark.parametrize("engine", ["embedded", "http", "cluster"], indirect=True)
def test_the_clock_decides_what_is_old_and_a_project_overrules_the_server(world: World, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, content_retention_days=3, charge_retention_days=9)
    shop = world.control.ensure_project("shop", NOON_US)
    world.control.ensure_project("own", NOON_US)
    for name in ("shop", "own"):
        run = samples.run(samples.uid(1), project=name, inputs={"a": 1}, end_us=NOON_US + 5)
        world.ledger.write([run], [samples.charge("k", project=name)], [])
    assert limits_of(settings, world.control, shop) == Limits(3, 9)
    own = world.control.project("own")
    assert own is not None
    world.control.settings.put(own.project_id, ProjectSettings(content_retention_days=1), NOON_US)

    assert world.sweep(settings) is False
    assert (world.shown(), world.shown("own")) == ([{"a": 1}], [None])
    world.now_us = NOON_US + 4 * DAY_US
    world.sweep(settings)
    assert world.shown() == [None]
    assert len(world.ledger.read_charges(samples.anywhere())) == 1
    world.now_us = NOON_US + 10 * DAY_US
    world.sweep(settings)
    assert world.ledger.read_charges(samples.anywhere()) == []
    assert world.ledger.has_runs("shop") is False


@pytest.mark.parametrize("engine", ["embedded", "http", "cluster"], indirect=True)
def test_a_sweep_is_bounded_and_the_next_goes_on(world: World) -> None:
    runs = [
        samples.run(samples.uid(n), start_us=NOON_US - n * 7 * DAY_US, inputs={"n": n}, end_us=NOON_US)
        for n in range(MAX_WEEKS + 2)
    ]
    world.ledger.write(runs, [], [])
    retention = Retention(world.ledger)
    first = retention.drop_content("shop", NOON_US + 1)
    assert (first.rows, first.is_more) == (MAX_WEEKS, True)
    second = retention.drop_content("shop", NOON_US + 1)
    assert (second.rows, second.is_more) == (2, False)
    assert retention.drop_content("shop", NOON_US + 1).rows == 0
    assert world.shown() == [None] * (MAX_WEEKS + 2)


@pytest.mark.parametrize("engine", ["embedded", "http", "cluster"], indirect=True)
def test_what_was_deleted_is_off_the_disk_after_the_next_sweep(world: World, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    told = StoredOperation(samples.uid(1), OperationKey(samples.uid(1), "post", 7, 0, 1), SECRET.encode())
    for number in (1, 2):
        trace = samples.uid(number)
        world.ledger.write(
            [samples.run(trace, trace_id=trace, inputs={"q": SECRET})], [samples.charge("k", trace_id=trace)], []
        )
    if world.ledger.is_shared:
        world.ledger.operations.add([told], "here")
    reader = world.ledger._clients[1]

    def on_disk() -> list[int]:
        tables = (world.ledger._layout.stored(name) for name in ("run_versions", "charge_versions", "operations"))
        counts = (f"SELECT count() FROM {table} SETTINGS apply_deleted_mask = 0" for table in tables)
        return [reader.query(count).result_rows[0][0] for count in counts]

    Retention(world.ledger).delete("shop", [samples.uid(1)])
    assert len(world.ledger.read_charge_keys(samples.uid(2))) == 1
    assert world.ledger.read_charge_keys(samples.uid(1)) == []
    assert on_disk() == [2, 2, int(world.ledger.is_shared)]
    world.sweep(settings)
    assert on_disk() == [1, 1, 0]
    assert world.ledger.remove_deleted() == []
    assert world.ledger.read_trace(samples.uid(2))[0].inputs == {"q": SECRET}


@pytest.mark.parametrize("engine", ["embedded"], indirect=True)
def test_retention_goes_on_where_deleted_rows_cannot_leave_the_disk(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.control.ensure_project("shop", NOON_US)
    world.ledger.write([samples.run(samples.uid(1), inputs={"q": SECRET}, end_us=NOON_US + 5)], [], [])

    def full() -> list[str]:
        raise StoreUnavailableError("the ledger refused a change: no space left")

    monkeypatch.setattr(world.ledger, "remove_deleted", full)
    with pytest.raises(StoreUnavailableError):
        world.sweep(Settings(data=tmp_path, content_retention_days=1))
    assert world.shown() == [None]


@pytest.mark.parametrize("engine", ["embedded"], indirect=True)
def test_a_route_made_of_nodes_stays_and_a_text_does_not(world: World) -> None:
    fields: dict[str, Any] = {"end_us": NOON_US + 5, "node": "plan", "is_node": True}
    world.ledger.write(
        [
            samples.run(samples.uid(1), outputs={"output": "plan"}, **fields),
            samples.run(samples.uid(2), outputs={"output": SECRET}, **fields),
            samples.run(samples.uid(3), outputs={"output": {"goto": ["plan", "__end__"]}}, **fields),
        ],
        [],
        [],
    )
    Retention(world.ledger).drop_content("shop", NOON_US + 1)
    outputs = {run.run_id: run.outputs for run in world.ledger.read_trace(samples.TRACE)}
    assert outputs == {
        samples.uid(1): {"output": "plan"},
        samples.uid(2): None,
        samples.uid(3): {"output": {"goto": ["plan", "__end__"]}},
    }
