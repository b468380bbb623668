"""The `everytoken` command: one file a subcommand, data on stdout, talk on stderr, exit 0 / 1 problem / 2 could not."""

import importlib
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from everytoken import __version__
from everytoken.cli.errors import CommandError

COMMANDS = {
    "serve": "Start everytoken: one process, its data in one folder.",
    "demo": "Run the Eco² agent on its reference question and show what every node cost.",
    "trace": "Print one trace: its runs as a tree, its nodes on a timeline, with tokens and dollars.",
    "doctor": "Find what keeps tokens from being counted, and say the cure.",
    "prices": "What a model costs, since when and says who.",
    "simulator": "Start the simulated providers with their billing ledger.",
}
"""Subcommand → its line in the help. The module of the same name is imported when the command is asked for."""


class Commands(TyperGroup):
    """Imports a subcommand when it is asked for: a cold `serve` must not wait for the price data of `prices`."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"everytoken.cli.{cmd_name}")
        subcommand = getattr(module, "app", None)
        if subcommand is None:
            subcommand = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
            subcommand.command(cmd_name)(getattr(module, cmd_name))
        command = typer.main.get_command(subcommand)
        command.name = cmd_name
        return command

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The list of commands, from the table above, without importing one."""
        formatter.write_usage("everytoken", "COMMAND [OPTIONS] …")
        formatter.write_paragraph()
        formatter.write_text("Every token of every LLM call, counted once and priced right.")
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))
        formatter.write_paragraph()
        formatter.write_text(
            "`everytoken COMMAND --help` tells a command's options; `everytoken --version` the version."
        )


app = typer.Typer(name="everytoken", cls=Commands, no_args_is_help=True, pretty_exceptions_enable=False)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Print the version."),
) -> None:
    """Options that stand before any command."""


def main() -> None:
    """Entry point: turns a known error into one line, a hint and an exit code."""
    try:
        app()
    except CommandError as error:
        typer.echo(f"everytoken: {error}", err=True)
        if error.hint:
            typer.echo(f"hint: {error.hint}", err=True)
        sys.exit(error.exit_code)
