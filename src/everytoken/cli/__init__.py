"""The `everytoken` command: one file a subcommand, data on stdout, talk on stderr, exit 0 / 1 problem / 2 could not."""

import sys

import typer

from everytoken import __version__
from everytoken.cli.errors import CommandError

app = typer.Typer(
    name="everytoken",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Every token of every LLM call, counted once and priced right.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Print the version."),
) -> None:
    """Options that stand before any command."""


def _register() -> None:
    from everytoken.cli import demo, prices, serve, simulator, trace

    app.command("serve")(serve.serve)
    app.command("demo")(demo.demo)
    app.command("trace")(trace.trace)
    app.command("simulator")(simulator.simulator)
    app.add_typer(prices.app, name="prices")


def main() -> None:
    """Entry point: runs a command and turns a known error into one line, a hint and an exit code."""
    _register()
    try:
        app()
    except CommandError as error:
        typer.echo(f"everytoken: {error}", err=True)
        if error.hint:
            typer.echo(f"hint: {error.hint}", err=True)
        sys.exit(error.exit_code)
