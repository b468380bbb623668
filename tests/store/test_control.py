"""Control data on a real file and on a real PostgreSQL: the same answers from both."""

import resource
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.store.postgres import Postgres

from everytoken.config import Settings
from everytoken.store.control import Control, Project, ProjectExistsError
from everytoken.store.errors import FolderError, StoreError, StoreUnavailableError

Open = Callable[[], Control]


@pytest.fixture(params=["sqlite", "postgresql"])
def opening(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens the same control data each time; closes what the test left open."""
    url = None if request.param == "sqlite" else request.getfixturevalue("database_url")
    opened: list[Control] = []

    def open_control() -> Control:
        opened.append(Control.open(Settings(data=tmp_path, database_url=url)))
        return opened[-1]

    yield open_control
    for control in opened:
        control.close()


def test_a_project_is_made_once_and_keeps_its_id_over_restarts(opening: Open) -> None:
    control = opening()
    first = control.ensure_project("it's \0 강남 🧴", 5)
    assert control.ensure_project("it's \0 강남 🧴", 9) == first
    tenant = control.tenant_id

    again = opening()
    assert again.ensure_project("it's \0 강남 🧴", 7) == first
    assert again.projects() == [first]
    assert again.tenant_id == tenant
    assert again.schema_version == 3


def test_threads_that_ask_at_once_get_the_same_project(opening: Open) -> None:
    control = opening()
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(control.ensure_project("shop", 1).project_id)) for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 16
    assert len(set(found)) == 1


def test_projects_come_in_the_order_they_were_made(opening: Open) -> None:
    control = opening()
    for at_us, name in ((3, "c"), (1, "a"), (2, "b")):
        control.ensure_project(name, at_us)

    assert [project.name for project in control.projects()] == ["a", "b", "c"]
    assert control.project("nothing") is None


def test_a_name_or_an_id_is_given_once(opening: Open) -> None:
    control = opening()
    shop = control.create_project("shop", 1, details={"description": "the shop"})
    with pytest.raises(ProjectExistsError):
        control.create_project("shop", 2)
    other = control.create_project("other", 3)
    with pytest.raises(ProjectExistsError):
        control.update_project(other, name="shop", details={})

    assert control.update_project(shop, name="store", details={"a": 1}).project_id == shop.project_id
    assert [(project.name, dict(project.details)) for project in opening().projects()] == [
        ("store", {"a": 1}),
        ("other", {}),
    ]


def test_feedback_is_overwritten_by_its_id_and_found_by_its_score(opening: Open) -> None:
    notes = opening().annotations
    given = {"id": "f1", "run_id": "r1", "key": "nps", "score": 0.25, "created_us": 5, "modified_us": 5}
    notes.put_feedback(
        [given, {**given, "id": "f2", "run_id": "r2", "score": None, "value": "nul \0", "created_us": 6}]
    )
    notes.put_feedback([{**given, "score": 0.75, "created_us": 9, "modified_us": 9}])

    assert [row["id"] for row in notes.list_feedback(limit=9)] == ["f2", "f1"]
    assert notes.runs_with_feedback([("key", "eq", "nps"), ("score", "gt", 0.5)]) == ["r1"]
    assert notes.runs_with_feedback([("score", "neq", 0.5)]) == ["r2", "r1"]
    assert notes.keep_first("secret", "s", {"hex": "aa"}) == {"hex": "aa"}
    assert notes.keep_first("secret", "s", {"hex": "bb"}) == {"hex": "aa"}


def test_a_project_that_another_server_made_is_found_at_once(database_url: str) -> None:
    here, there = Control(database_url), Control(database_url)
    assert here.projects() == []
    made = there.create_project("shop", 5, details={"description": "x"})

    assert here.project("shop") == made
    assert here.project("shop").details == {"description": "x"}  # type: ignore[union-attr]
    assert here.ensure_project("shop", 9) == made
    for control in (here, there):
        control.close()


def test_servers_that_start_together_migrate_once_and_agree_on_who_they_are(database_url: str) -> None:
    opened: list[Control] = []
    threads = [threading.Thread(target=lambda: opened.append(Control(database_url))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(opened) == 6
    assert len({control.tenant_id for control in opened}) == 1
    for control in opened:
        control.close()


def test_a_database_that_goes_away_and_comes_back_is_used_again(postgres_server: Postgres, database_url: str) -> None:
    control = Control(database_url)
    shop = control.ensure_project("shop", 1)
    postgres_server.stop()
    try:
        with pytest.raises(StoreUnavailableError, match="the control database does not answer"):
            control.ensure_project("other", 2)
        with pytest.raises(StoreError, match=r"no control database: .*refused"):
            Control.open(Settings(database_url=database_url))
    finally:
        postgres_server.start()

    assert control.ensure_project("other", 3).name == "other"
    assert control.project("shop") == shop
    control.close()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "control.db").write_text("not a database, and long enough to be sure of it" * 100)

    with pytest.raises(FolderError, match="cannot be read"):
        Control.open(Settings(data=tmp_path))


@pytest.mark.parametrize("url", ["mysql://u@h/d", "not a url", "postgresql+asyncpg://u@h/d"])
def test_a_url_of_no_kind_we_know_is_refused_with_how_to_write_it(url: str) -> None:
    with pytest.raises(StoreError, match="EVERYTOKEN_DATABASE_URL") as raised:
        Control.open(Settings(database_url=url))
    assert raised.value.hint == "write it as postgresql://user:password@host:5432/database"


def test_control_data_of_the_first_schema_gains_what_was_added(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "control.db") as old:
        old.execute("CREATE TABLE facts (name VARCHAR PRIMARY KEY, value VARCHAR NOT NULL)")
        old.execute(
            "CREATE TABLE projects (project_id VARCHAR(36) PRIMARY KEY, name VARCHAR UNIQUE, created_us BIGINT)"
        )
        old.execute("INSERT INTO facts VALUES ('schema_version', '1'), ('tenant_id', 'the-tenant')")
        old.execute("INSERT INTO projects VALUES ('an-id', 'shop', 5)")
    old.close()

    control = Control.open(Settings(data=tmp_path))
    assert control.schema_version == 3
    assert control.tenant_id == "the-tenant"
    assert control.projects() == [Project("an-id", "shop", 5)]
    control.annotations.put("share", "t", {"run_id": "r"}, subject="r")
    control.close()

    again = Control.open(Settings(data=tmp_path))
    assert again.annotations.of_kind("share", subjects=["r"]) == [{"run_id": "r"}]
    again.close()


def test_a_sweep_is_done_once_in_its_time_and_a_clock_set_back_holds_none_up(opening: Open) -> None:
    sweeps, hour_us = opening().sweeps, 3_600_000_000
    asked_us = [10 * hour_us, 10 * hour_us + 1, 11 * hour_us, 2 * hour_us, 2 * hour_us + 1]
    assert [sweeps.claim("retention", at_us, hour_us) for at_us in asked_us] == [True, False, True, True, False]


def test_a_lease_ends_with_its_time_and_with_a_clock_that_was_set_back(opening: Open) -> None:
    alerts, minute_us, day_us = opening().alerts, 60_000_000, 86_400_000_000

    def take(holder: str, now_us: int) -> bool:
        return alerts.take_lease("alerts", holder, now_us, until_us=now_us + minute_us)

    assert take("a", day_us)
    assert not take("b", day_us + minute_us - 1)
    assert take("b", day_us + minute_us)
    assert take("c", 0), "set back by a day: what b held then is over"
    assert not take("b", 1)


def test_a_project_that_the_disk_refused_is_not_there(tmp_path: Path) -> None:
    control = Control.open(Settings(data=tmp_path))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, limits[1]))  # as on a full disk, no file can grow
    try:
        for make in (control.ensure_project, control.create_project):
            with pytest.raises(StoreUnavailableError, match="the control data cannot be used") as raised:
                make("shop", 5)
            assert raised.value.hint == "free some disk space"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert control.projects() == []
    assert control.create_project("shop", 7).created_us == 7
    control.close()
