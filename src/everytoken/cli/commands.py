"""The commands behind the table, as Typer runs them."""

import importlib
import keyword
from typing import Any

import typer
from typer._click.shell_completion import CompletionItem
from typer.core import TyperGroup

from everytoken import __version__
from everytoken.cli import COMMANDS


class Commands(TyperGroup):
    """Imports a subcommand when it is asked for: a cold `serve` must not wait for the price data of `prices`."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        name = f"{cmd_name}_" if keyword.iskeyword(cmd_name) else cmd_name
        module = importlib.import_module(f"everytoken.cli.{name}")
        subcommand = getattr(module, "app", None)
        if subcommand is None:
            subcommand = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
            options = getattr(module, "CONTEXT_SETTINGS", None)
            subcommand.command(cmd_name, context_settings=options)(getattr(module, name))
        command = typer.main.get_command(subcommand)
        command.name = cmd_name
        return command

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """The commands by name, from the table: a key press must not wait for the import of them all (1.2 s)."""
        if incomplete.startswith("-"):
            return list(super().shell_complete(ctx, incomplete))
        return [CompletionItem(name, help=line) for name, line in COMMANDS.items() if name.startswith(incomplete)]

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
