"""The `everytoken` command: one file a subcommand, data on stdout, talk on stderr, exit 0 / 1 problem / 2 could not."""

import sys
from collections.abc import Callable

from everytoken.cli.errors import CommandError

COMMANDS = {
    "serve": "Start everytoken: one process, its data in one folder.",
    "run": "Run a Python program with every model call recorded, its code unchanged.",
    "demo": "Run a day of the Eco² agent and show what every node cost, before and after.",
    "trace": "Print one trace: its runs as a tree, its nodes on a timeline, with tokens and dollars.",
    "tail": "Print traces as they happen, with tokens and dollars.",
    "report": "Print what was spent on what: a table, JSON, Markdown or a page with charts.",
    "reprice": "Show what stored charges cost at the prices of now, and store it with --apply.",
    "reconcile": "Compare a bill of OpenAI or Google Cloud with the ledger, and name the causes of a drift.",
    "export": "Write runs and charges to Parquet, JSON Lines or CSV.",
    "import": "Send exports, failed traces and OTLP files to a server.",
    "delete": "Erase a person from a project, or delete a trace, for good.",
    "doctor": "Find what keeps tokens from being counted, and say the cure.",
    "alerts": "Make budgets and alerts, try them on history, and see what came of them.",
    "keys": "Make, list and revoke API keys.",
    "users": "Say who may log in to the page.",
    "backup": "Copy all data to a folder or a file, while the server works or when it does not.",
    "restore": "Make a data folder from a backup.",
    "prices": "What a model costs, since when and says who.",
    "completions": "Print the completion script of a shell.",
    "simulator": "Start the simulated providers with their billing ledger.",
}
"""Subcommand → its line in the help. The module of the same name (with `_` behind a word of Python) is imported when
the command is asked for."""


def main() -> None:
    """Entry point: turns a known error into one line, a hint and an exit code."""
    try:
        if sys.argv[1:2] == ["run"]:
            # Runs where only the client half is installed, and without the time that Typer takes to load.
            from everytoken.cli.run import run

            run(sys.argv[2:])
        else:
            _commands()()
    except CommandError as error:
        print(f"everytoken: {error}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        sys.exit(error.exit_code)


def _commands() -> Callable[[], None]:
    try:
        from everytoken.cli.commands import app
    except ModuleNotFoundError as error:
        raise CommandError(
            f"this command needs the server half: {error.name} is not installed",
            hint='pip install "everytoken[server]"',
        ) from error
    return app
