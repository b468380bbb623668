"""Control data on a real file."""

import sqlite3
import threading
from pathlib import Path

import pytest

from everytoken.config import Settings
from everytoken.store.control import Control, Project
from everytoken.store.errors import FolderError


def test_a_project_is_made_once_and_keeps_its_id_over_restarts(tmp_path: Path) -> None:
    control = Control.open(Settings(data=tmp_path))
    first = control.ensure_project("it's \0 강남 🧴", 5)
    assert control.ensure_project("it's \0 강남 🧴", 9) == first
    tenant = control.tenant_id
    control.close()

    again = Control.open(Settings(data=tmp_path))
    assert again.ensure_project("it's \0 강남 🧴", 7) == first
    assert again.projects() == [first]
    assert again.tenant_id == tenant
    assert again.schema_version == 2
    again.close()


def test_threads_that_ask_at_once_get_the_same_project(tmp_path: Path) -> None:
    control = Control.open(Settings(data=tmp_path))
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(control.ensure_project("shop", 1).project_id)) for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    control.close()

    assert len(found) == 16
    assert len(set(found)) == 1


def test_projects_come_in_the_order_they_were_made(tmp_path: Path) -> None:
    control = Control.open(Settings(data=tmp_path))
    for at_us, name in ((3, "c"), (1, "a"), (2, "b")):
        control.ensure_project(name, at_us)

    assert [project.name for project in control.projects()] == ["a", "b", "c"]
    assert control.project("nothing") is None
    control.close()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "control.db").write_text("not a database, and long enough to be sure of it" * 100)

    with pytest.raises(FolderError, match="cannot be read"):
        Control.open(Settings(data=tmp_path))


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
    assert control.schema_version == 2
    assert control.tenant_id == "the-tenant"
    assert control.projects() == [Project("an-id", "shop", 5)]
    control.annotations.put("share", "t", {"run_id": "r"}, subject="r")
    control.close()

    again = Control.open(Settings(data=tmp_path))
    assert again.annotations.of_kind("share", subjects=["r"]) == [{"run_id": "r"}]
    again.close()
