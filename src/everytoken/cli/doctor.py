"""`everytoken doctor`: what is wrong with the tracing, from the variables to the ledger, and the cure to paste."""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import httpx
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from everytoken.cli.errors import CommandError
from everytoken.cli.terminal import DataConsole
from everytoken.cli.trace import DEFAULT_URL
from everytoken.config import Settings
from everytoken.doctor.api import Api, ApiError
from everytoken.doctor.cluster import Target, check_cluster
from everytoken.doctor.environment import Environment, check_environment, effective, endpoint, is_langsmith
from everytoken.doctor.explain import explain_project, explain_trace
from everytoken.doctor.finding import Finding, bare, exit_code, skipped
from everytoken.doctor.fixes import Fix, plan_fixes
from everytoken.doctor.manifests import check_manifests, manifest_texts
from everytoken.doctor.network import TIMEOUT_S, check_network
from everytoken.doctor.paths import check_paths
from everytoken.doctor.server import check_server
from everytoken.doctor.versions import check_flush, check_versions

SERVER_TIMEOUT_S = 70.0  # a flush may take a minute before the server gives up on it
MARKS = {"ok": "[green]✓[/]", "problem": "[red]✗[/]", "unknown": "[yellow]?[/]", "skipped": "[dim]–[/]"}


def doctor(  # noqa: PLR0913, PLR0917  one parameter an option
    url: Annotated[
        str | None, typer.Option(help="Server to check; default: LANGSMITH_ENDPOINT, or this machine.")
    ] = None,
    api_key: Annotated[
        str | None, typer.Option(envvar="EVERYTOKEN_API_KEY", help="Key, if the server wants one.")
    ] = None,
    trace: Annotated[str | None, typer.Option(help="Only explain the zeros of this trace.")] = None,
    project: Annotated[str | None, typer.Option(help="Only explain the zeros of this project.")] = None,
    manifests: Annotated[
        Path | None, typer.Option(help="Folder or file of Kubernetes manifests; - reads what kustomize built.")
    ] = None,
    namespace: Annotated[str, typer.Option(help="Namespace of the worker in the cluster.")] = "chat",
    deployment: Annotated[str, typer.Option(help="Its Deployment.")] = "chat-worker",
    secret: Annotated[str, typer.Option(help="Its Secret.")] = "chat-worker-secrets",  # noqa: S107  a name
    context: Annotated[str | None, typer.Option(help="kubectl context; default: the current one.")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Leave out what starts processes of its own: P1 and P5.")
    ] = False,
    fix: Annotated[
        bool,
        typer.Option("--fix", help="Do what is safe about it, after telling: variables in a file, charges to price."),
    ] = False,
    env_file: Annotated[Path, typer.Option(help="File of variables that --fix writes.")] = Path(".env"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check everything a token passes on its way; exit 0: all well, 1: a problem, 2: something could not be checked."""
    env = dict(os.environ)
    server_url = url or _server_url(env)
    try:
        with httpx.Client(timeout=SERVER_TIMEOUT_S) as client:
            api = Api(client, server_url, api_key=api_key)
            if trace or project:
                findings = explain_trace(api, trace) if trace else []
                findings += explain_project(api, project) if project else []
            else:
                target = Target(namespace=namespace, deployment=deployment, secret=secret, context=context)
                findings = _everything(env, api, target, manifests, asked=url is not None)
                if not quick:
                    findings += [check_flush(env), *check_paths(env)]
            fixed = _fixed(plan_fixes(env, findings, api, env_file)) if fix else []
    except ValidationError as error:
        first = error.errors()[0]
        raise CommandError(
            f"EVERYTOKEN_{first['loc'][0]}: {first['msg']}".upper(), hint="correct or unset it"
        ) from error
    code = exit_code(findings)
    if as_json:
        told = {"exit": code, "findings": [asdict(one) for one in findings], "fixed": fixed}
        typer.echo(json.dumps(told, ensure_ascii=False))
    else:
        _print(findings)
    raise typer.Exit(code)


def _everything(env: Environment, api: Api, target: Target, manifests: Path | None, *, asked: bool) -> list[Finding]:
    findings = check_environment(env)
    with httpx.Client(timeout=TIMEOUT_S, follow_redirects=False) as client:
        findings += check_network(env, client)
    findings += check_cluster(target)
    if manifests is None:
        findings.append(skipped("M1", "Manifests", "none were named: --manifests deploy/k8s"))
    else:
        findings += check_manifests(_texts(manifests))
    findings += check_versions()
    if asked or not is_langsmith(endpoint(env)):
        return findings + check_server(api, Settings())
    why = f"runs go to {bare(endpoint(env))}; name a server with --url"
    return [*findings, skipped("S1", "The server answers", why)]


def _fixed(fixes: list[Fix]) -> list[dict[str, str]]:
    """Tell what will change, all of it, then change it."""
    talk = Console(stderr=True, highlight=False, soft_wrap=True)
    talk.print("· nothing to fix" if not fixes else "· will change:", markup=False)
    for one in fixes:
        talk.print(f"  {one.id}: {one.what}", markup=False)
    done = []
    for one in fixes:
        try:
            said = one.apply()
        except (OSError, ApiError) as error:
            said = f"could not: {error}"
        talk.print(f"· {one.id}: {said}", markup=False)
        done.append({"id": one.id, "what": one.what, "done": said})
    return done


def _texts(path: Path) -> list[tuple[str, str]]:
    if str(path) == "-":
        return [("stdin", sys.stdin.read())]
    try:
        return manifest_texts(path)
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read: {error}", hint="name a folder, a file, or -") from error


def _server_url(env: Environment) -> str:
    """Where the app sends, when that is a server of one's own; the path of its mount left out."""
    if effective(env, "ENDPOINT") is None or is_langsmith(endpoint(env)):
        return DEFAULT_URL
    parts = urlsplit(endpoint(env))
    return f"{parts.scheme}://{parts.netloc}"


def _print(findings: list[Finding]) -> None:
    console = DataConsole(highlight=False, soft_wrap=True)
    for found in findings:
        console.print(f"{MARKS[found.verdict]} {found.id:2} {escape(found.what)}  [dim]{escape(found.evidence)}[/]")
        if found.cause:
            console.print(f"     {escape(found.cause)}")
        for line in (found.cure or "").splitlines():
            console.print(f"     [bold]{escape(line)}[/]")
    problems = sum(found.verdict == "problem" for found in findings)
    unknown = sum(found.verdict == "unknown" for found in findings)
    Console(stderr=True, highlight=False).print(f"· {len(findings)} checks, {problems} problems, {unknown} not checked")
