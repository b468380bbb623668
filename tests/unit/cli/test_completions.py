"""Completion as a shell asks for it: bash itself runs its script; zsh and fish are asked in their own words."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from everytoken.cli import COMMANDS
from everytoken.cli.commands import app

BIN = Path(sys.executable).parent
ENV = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


def asked(shell: str, line: str, **more: str) -> str:
    env = {**ENV, "_EVERYTOKEN_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_ARGS": line, **more}
    return subprocess.run(["everytoken"], env=env, capture_output=True, text=True, timeout=60, check=False).stdout


def in_bash(*words: str) -> list[str]:
    """What bash offers after these words, by the script that we print."""
    program = (
        'eval "$(everytoken completions bash 2>/dev/null)"; '
        f"COMP_WORDS=({' '.join(words)!s}); COMP_CWORD={len(words) - 1}; "
        "$(complete -p everytoken | sed 's/.*-F \\([^ ]*\\).*/\\1/') everytoken; printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    found = shutil.which("bash")
    assert found is not None
    done = subprocess.run([found, "-c", program], env=ENV, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.split()


def test_bash_completes_commands_and_options() -> None:
    assert in_bash("everytoken", "rec") == ["reconcile"]
    assert in_bash("everytoken", "export", "--form") == ["--format"]
    assert in_bash("everytoken", "del") == ["delete"]
    assert in_bash("everytoken", "delete", "--us") == ["--user"]


def test_zsh_and_fish_are_told_what_a_command_does() -> None:
    assert '"export":"Write runs and charges' in asked("zsh", "everytoken exp")
    assert asked("fish", "everytoken export --fo", _TYPER_COMPLETE_FISH_ACTION="get-args") == (
        "--format\tHow to write it.\n"
    )


def test_values_and_subcommands_are_completed() -> None:
    assert asked("fish", "everytoken keys re", _TYPER_COMPLETE_FISH_ACTION="get-args").startswith("revoke\t")
    offered = asked("fish", "everytoken report --by ", _TYPER_COMPLETE_FISH_ACTION="get-args")
    assert offered.split() == ["project", "node", "model", "user", "day"]


def test_commands_are_offered_without_importing_them() -> None:
    program = (
        "import sys; from everytoken.cli.commands import app; import typer; group = typer.main.get_command(app); "
        "found = group.shell_complete(group.make_context('everytoken', [], resilient_parsing=True), ''); "
        "print(len(found), any(name.startswith('everytoken.cli.ex') for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == [str(len(COMMANDS)), "False"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_its_script_and_where_it_goes(shell: str) -> None:
    result = CliRunner().invoke(app, ["completions", shell])
    assert result.exit_code == 0
    assert f"complete_{shell}" in result.stdout
    assert f"everytoken completions {shell}" in result.stderr


def test_another_shell_is_refused() -> None:
    assert CliRunner().invoke(app, ["completions", "tcsh"]).exit_code == 2
