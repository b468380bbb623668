"""The data folder: ours and ours alone, or refused in one clear line."""

import json
from pathlib import Path

import pytest

from everytoken.store.errors import FolderError
from everytoken.store.folder import MARK, SCHEMA_VERSION, DataFolder


def test_a_new_folder_is_made_marked_and_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "data"
    with DataFolder(path):
        assert json.loads((path / MARK).read_text()) == {"product": "everytoken", "schema_version": SCHEMA_VERSION}
        assert path.stat().st_mode & 0o077 == 0, "others have no business in it"
    with DataFolder(path):
        pass


def test_a_second_holder_is_refused_until_the_first_lets_go(tmp_path: Path) -> None:
    first = DataFolder(tmp_path)
    with pytest.raises(FolderError, match="another everytoken server uses"):
        DataFolder(tmp_path)
    first.close()
    DataFolder(tmp_path).close()


def test_a_refused_folder_is_let_go(tmp_path: Path) -> None:
    (tmp_path / MARK).write_text('{"product": "everytoken", "schema_version": 999}')
    for _ in range(2):
        with pytest.raises(FolderError, match="newer everytoken"):
            DataFolder(tmp_path)


@pytest.mark.parametrize(
    "mark",
    [
        "",
        "{}",
        "[]",
        "null",
        '{"product": "everytoken", "schema_version": "one"}',
        '{"schema_version": 1}',
        '{"product": "another", "schema_version": 1}',
    ],
)
def test_a_mark_that_is_not_ours_is_refused(tmp_path: Path, mark: str) -> None:
    (tmp_path / MARK).write_text(mark)

    with pytest.raises(FolderError, match="not an everytoken mark"):
        DataFolder(tmp_path)


def test_a_foreign_folder_is_refused_and_nothing_is_written_into_it(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()

    with pytest.raises(FolderError, match="not everytoken's"):
        DataFolder(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]


def test_too_little_space_is_said_before_anything_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("everytoken.store.folder.MIN_FREE_BYTES", 2**62)

    with pytest.raises(FolderError, match="are free at"):
        DataFolder(tmp_path)


def test_a_file_where_the_folder_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").touch()

    with pytest.raises(FolderError, match="cannot use the data folder"):
        DataFolder(tmp_path / "data")
