"""A read sees the visible projects' rows alone, whatever its query asks for."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from everytoken.config import Settings
from everytoken.core.run import Run
from everytoken.store.control import Control
from everytoken.store.ledger import Ledger
from everytoken.store.reading import TABLES, sql_text
from everytoken.store.rows import SettledRun
from everytoken.store.visible import only, visible_projects

HOSTILE = "it's') OR 1=1 --\\' \0 강남 {x:String}"
T0_US = 1_795_000_000_000_000


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    opened = Ledger.open(Settings(data=tmp_path_factory.mktemp("ledger")))
    yield opened
    opened.close()


def stored(ledger: Ledger, project: str) -> str:
    run_id = str(uuid.uuid4())
    run = Run(
        run_id=run_id, trace_id=run_id, project=project, name="chat", run_type="chain", start_us=T0_US,
        end_us=T0_US + 1, status="success",
    )  # fmt: skip
    ledger.write([SettledRun(run, None, False)], [], [])
    return run_id


def test_a_run_of_another_project_is_nowhere(ledger: Ledger) -> None:
    mine, theirs = stored(ledger, HOSTILE), stored(ledger, "theirs")
    with only([HOSTILE]):
        assert ledger.locate_run(mine) == (HOSTILE, mine)
        assert ledger.locate_run(theirs) is None
        assert ledger.find_trace(theirs) is None
        assert ledger.read_trace(theirs) == []
        assert not ledger.has_runs("theirs")
        figures = ledger.select("project_runs", project=None, from_us=0, to_us=2 * T0_US)
        assert [row["project"] for row in figures] == [HOSTILE]
    assert ledger.locate_run(theirs) == ("theirs", theirs)


def test_who_sees_no_project_sees_nothing(ledger: Ledger) -> None:
    mine = stored(ledger, "mine")
    with only([]):
        assert ledger.locate_run(mine) is None
        assert ledger.select("project_runs", project=None, from_us=0, to_us=2 * T0_US) == []


def test_every_table_with_a_project_is_filtered() -> None:
    made = [part for part in sql_text("schema").split("CREATE TABLE IF NOT EXISTS ")[1:] if "\n  project " in part]
    assert sorted(part.split()[0] for part in made) == sorted(TABLES)


def test_control_data_shows_visible_projects_alone(tmp_path: Path) -> None:
    control = Control.open(Settings(data=tmp_path))
    mine, theirs = control.ensure_project("mine", 1), control.ensure_project("theirs", 2)
    with only(["mine"]):
        assert control.projects() == [mine]
        assert control.project("theirs") is None
        assert control.project_by_id(theirs.project_id) is None
        assert control.project_by_id(mine.project_id) == mine
    assert control.projects() == [mine, theirs]
    control.close()


def test_what_is_visible_ends_with_its_context() -> None:
    with only(["a"]):
        assert visible_projects() == frozenset({"a"})
        with only(None):
            assert visible_projects() is None
        assert visible_projects() == frozenset({"a"})
    assert visible_projects() is None
