"""What `everytoken run` executes for what was typed, and what it refuses because nothing would be recorded."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from everytoken.cli.errors import CommandError
from everytoken.cli.run import AUTOSTART, command_of, environment_of, python_of

OURS = str(AUTOSTART)


def script(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def test_our_folder_comes_first_on_pythonpath_and_only_once() -> None:
    assert environment_of({})["PYTHONPATH"] == OURS
    assert environment_of({"PYTHONPATH": "/a:/b", "HOME": "/h"}) == {"PYTHONPATH": f"{OURS}:/a:/b", "HOME": "/h"}
    assert environment_of({"PYTHONPATH": f"/a:{OURS}:/b"})["PYTHONPATH"] == f"{OURS}:/a:/b"


@pytest.mark.parametrize(
    "typed",
    [["-m", "shop", "-I"], ["-c", "print(1)"], ["-u", "-X", "dev", "app.py"], ["-X", "-I", "-m", "shop"]],
)
def test_options_of_python_are_handed_to_it(typed: list[str]) -> None:
    assert command_of(typed, {}) == [sys.executable, *typed]


@pytest.mark.parametrize("option", ["-I", "-E", "-S", "-uI", "-Es"])
def test_a_python_that_would_not_read_our_folder_is_refused(option: str) -> None:
    with pytest.raises(CommandError, match=f"python {option} ignores PYTHONPATH"):
        command_of([option, "app.py"], {})


def test_a_file_a_folder_and_an_archive_run_in_this_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop").mkdir()
    for name in ("app.py", "app.pyz", "shop/__main__.py", "notes"):
        (tmp_path / name).touch()
    for name in ("app.py", "app.pyz", "shop", "notes"):
        assert command_of([name, "-x"], {}) == [sys.executable, name, "-x"]


def test_a_command_of_our_environment_comes_before_one_of_the_same_name_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = script(tmp_path, "pytest", "#!/bin/sh\n")
    only_there = script(tmp_path, "start-all", "#!/bin/sh\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert command_of(["pytest", "-q"], {}) == [str(Path(sys.executable).with_name("pytest")), "-q"]
    assert command_of(["start-all"], {}) == [str(only_there)]
    assert command_of([str(theirs)], {}) == [str(theirs)]


def test_what_is_nowhere_is_refused_with_the_usage() -> None:
    with pytest.raises(CommandError, match="no file and no command is called 'nowhere-at-all'") as error:
        command_of(["nowhere-at-all"], {})
    assert error.value.hint is not None
    assert "everytoken run app.py" in error.value.hint


def test_a_command_of_a_python_where_everytoken_does_not_start_is_refused(tmp_path: Path) -> None:
    deaf = script(tmp_path, "python3", "#!/bin/sh\nexit 1\n")
    tool = script(tmp_path, "tool", f"#!{deaf}\n")
    with pytest.raises(CommandError, match="where everytoken does not start") as error:
        command_of([str(tool)], dict(os.environ))
    assert error.value.hint == f"{deaf} -m pip install everytoken"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#!/opt/venv/bin/python3.11\nimport x\n", ["/opt/venv/bin/python3.11"]),
        ("#!/usr/bin/python3 -sE\n", ["/usr/bin/python3", "-sE"]),
        ('#!/bin/sh\n\'\'\'exec\' "/a very/long" "$0" "$@"\n', []),
        ("#!/bin/sh\n'''exec' /opt/venv/bin/python \"$0\" \"$@\"\n' '''\n", ["/opt/venv/bin/python"]),
        ("#!/bin/bash\npython app.py\n", []),
        ("\x7fELF", []),
        ("", []),
    ],
)
def test_the_python_of_a_command_stands_in_its_first_lines(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert python_of(script(tmp_path, "tool", text)) == expected


def test_the_python_named_by_env_is_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = script(tmp_path, "python3", "")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert python_of(script(tmp_path, "tool", "#!/usr/bin/env python3\n")) == [str(python)]
    assert python_of(python) == [str(python)]


def test_run_needs_nothing_of_the_server_half_and_the_others_say_what_to_install() -> None:
    blocked = "import sys; sys.modules['typer'] = None; from everytoken.cli import main; "
    told = {}
    for typed in (["run", "-c", "print('ran')"], ["serve"], ["run", "--help"], ["run"]):
        program = f"{blocked}sys.argv = ['everytoken', *{typed!r}]; main()"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        told[typed[-1]] = (done.returncode, done.stdout, done.stderr)
    assert told["print('ran')"] == (0, "ran\n", "")
    assert told["serve"] == (
        2,
        "",
        "everytoken: this command needs the server half: typer is not installed\n"
        'hint: pip install "everytoken[server]"\n',
    )
    assert told["--help"][0] == 0
    assert told["--help"][1].startswith("Usage: everytoken run app.py")
    assert told["run"][0] == 2
