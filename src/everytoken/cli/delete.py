"""`everytoken delete`: erase a person from a project, or delete a trace, through the server and for good."""

import json
import sys
from typing import Annotated, Any
from urllib.parse import quote

import typer

from everytoken.cli.client import Client
from everytoken.cli.errors import CommandError
from everytoken.cli.options import DEFAULT_URL, JsonOption, UrlOption

Answer = dict[str, Any]

KeyOption = Annotated[
    str | None, typer.Option(envvar="EVERYTOKEN_API_KEY", help="Key with the scope admin, if the server wants one.")
]


def delete(
    project: Annotated[str, typer.Option(help="Where to delete; what other projects hold stays.")],
    user: Annotated[str | None, typer.Option(help="Erase this person: all traces that name them.")] = None,
    trace: Annotated[str | None, typer.Option(help="Delete this trace, with its charges.")] = None,
    charges: Annotated[
        bool, typer.Option("--charges", help="With --user: delete their charges too, which else belong to nobody.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    url: UrlOption = DEFAULT_URL,
    api_key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase a person (--user) or delete a trace (--trace) of a project. It asks before, and cannot be undone.

    What arrives later of the same traces is not stored.
    """
    if (user is None) == (trace is None):
        raise CommandError("say what to delete", hint="give --user ID or --trace ID, one of them")
    if charges and user is None:
        raise CommandError("--charges goes with --user", hint="a trace is deleted with its charges always")
    if not yes:
        _ask(_warning(project, user, trace, charges=charges))
    with Client(url, api_key=api_key) as client:
        done = erase(client, project, user, charges=charges) if user is not None else remove(client, project, trace)
    typer.echo(json.dumps(done, ensure_ascii=False) if as_json else _told(done, user))


def erase(client: Client, project: str, user: str, *, charges: bool) -> Answer:
    """Erase a person; the server does a bounded piece at a time, and is asked until nothing is left."""
    path = f"/projects/{quote(project, safe='')}/users/{quote(user, safe='')}/data"
    whole: Answer = {}
    while True:
        answer = client.delete(path, charges="true" if charges else "false")
        sums = {name: whole.get(name, 0) + answer[name] for name in ("traces", "attachments")}
        whole = {**answer, **sums}
        if not answer["is_more"]:
            return whole


def remove(client: Client, project: str, trace: str | None) -> Answer:
    """Delete a trace."""
    return client.delete(f"/traces/{quote(trace or '', safe='')}", project=project)


def _warning(project: str, user: str | None, trace: str | None, *, charges: bool) -> str:
    if user is None:
        return f"Delete trace {trace} of {project}, with its runs, charges, feedback and attachments?"
    kept = "their charges too" if charges else "their charges stay and belong to nobody"
    return (
        f"Erase {user!r} from {project}: content, metadata, tags and feedback of every trace that names them; {kept}?"
    )


def _ask(question: str) -> None:
    if not sys.stdin.isatty():
        raise CommandError("nobody is there to ask", hint="--yes deletes without asking")
    if not typer.confirm(f"{question} It cannot be undone.", err=True):
        raise CommandError("nothing was deleted", exit_code=1)


def _told(done: Answer, user: str | None) -> str:
    files = f"{done['attachments']} attachment{'' if done['attachments'] == 1 else 's'}"
    if user is None:
        return f"deleted 1 trace of {done['project']} with its charges and {files}"
    traces = f"{done['traces']} trace{'' if done['traces'] == 1 else 's'}"
    return f"erased {user} from {traces} of {done['project']}, with {files}; charges {done['charges']}"
