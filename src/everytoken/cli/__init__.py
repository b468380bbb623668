"""The `everytoken` command: one file a subcommand, data on stdout, talk on stderr."""

import typer

app = typer.Typer(
    name="everytoken", no_args_is_help=True, pretty_exceptions_enable=False, help="Every token, counted once and priced right."
)


def main() -> None:
    app()
