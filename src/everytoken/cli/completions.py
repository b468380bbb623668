"""`everytoken completions SHELL`: the script that lets a shell complete commands and options."""

from typing import Annotated, Literal

import typer
from typer._completion_shared import get_completion_script

PLACES = {
    "bash": 'eval "$(everytoken completions bash)"   # in ~/.bashrc',
    "zsh": 'eval "$(everytoken completions zsh)"    # in ~/.zshrc, after compinit',
    "fish": "everytoken completions fish > ~/.config/fish/completions/everytoken.fish",
}


def completions(
    shell: Annotated[Literal["bash", "zsh", "fish"], typer.Argument(help="bash, zsh or fish.")],
) -> None:
    """Print the script; `everytoken --install-completion` puts it where the shell in use looks for it."""
    typer.echo(get_completion_script(prog_name="everytoken", complete_var="_EVERYTOKEN_COMPLETE", shell=shell))
    typer.echo(f"· {PLACES[shell]}", err=True)
