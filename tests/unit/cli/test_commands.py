"""The table of commands: each leads to a module, and none is imported before it is asked for."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from everytoken import __version__
from everytoken.cli import COMMANDS
from everytoken.cli.commands import app


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_tells_its_options(name: str) -> None:
    result = CliRunner().invoke(app, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert "--help" in result.output


def test_help_lists_every_command_with_its_line() -> None:
    printed = " ".join(CliRunner().invoke(app, ["--help"]).output.split())
    for name, line in COMMANDS.items():
        assert f"{name} {line}" in printed


def test_version_is_the_distribution_s() -> None:
    assert CliRunner().invoke(app, ["--version"]).output == f"{__version__}\n"


def test_help_imports_neither_prices_nor_server() -> None:
    program = (
        "import sys; from everytoken.cli.commands import app; app(['--help'], standalone_mode=False); "
        "print(any(name in sys.modules for name in ('genai_prices', 'fastapi', 'chdb')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
