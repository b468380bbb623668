"""Control data on a real file."""

import threading
from pathlib import Path

import pytest

from everytoken.config import Settings
from everytoken.store.control import Control
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
    assert again.schema_version == 1
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
