"""`everytoken alerts`: budgets and alerts of a project, through a server."""

import json
from typing import Annotated, Any
from urllib.parse import quote

import typer

from everytoken.cli.client import Client
from everytoken.cli.errors import CommandError
from everytoken.cli.options import DEFAULT_URL, ApiKeyOption, JsonOption, UrlOption

app = typer.Typer(no_args_is_help=True, help="Budgets and alerts: made, tried on history, and what came of them.")

ProjectArgument = Annotated[str, typer.Argument(help="Project name.")]
NameArgument = Annotated[str, typer.Argument(help="What the alert is called.")]
RuleArgument = Annotated[str, typer.Argument(help="Id or name, as `list` shows it.")]
KindOption = Annotated[
    str,
    typer.Option(
        "--on",
        help="cost, tokens, error_rate, latency_p50, latency_p95, ttft_p50, ttft_p95, coverage, coverage_fall, "
        "unpriced, anomaly, projection or budget.",
    ),
]
LimitOption = Annotated[
    str, typer.Option(help="USD, tokens, percent, points, milliseconds or calls; coverage fires below it.")
]
WindowOption = Annotated[
    str | None, typer.Option(help="5m, 15m, 1h, 6h, 24h; day, week, month for cost, tokens and budgets.")
]
ScopeOption = Annotated[str | None, typer.Option(help="user=ID, node=NAME, model=NAME or tag=NAME; all without it.")]
LevelsOption = Annotated[str | None, typer.Option(help="Of a budget, in percent: 50,80,100.")]
MinCallsOption = Annotated[int | None, typer.Option(min=1, help="Fewer calls say nothing of a share or a percentile.")]
WINDOWS = {"anomaly": "1h", "projection": "month", "budget": "month", "cost": "day", "tokens": "day"}
"""What a kind takes without --window; the others take 15 minutes."""
DAYS = Annotated[int, typer.Option(min=1, max=31, help="Days of history to try it on.")]


@app.command("list")
def list_alerts(
    project: ProjectArgument, url: UrlOption = DEFAULT_URL, api_key: ApiKeyOption = None, as_json: JsonOption = False
) -> None:
    """List the alerts of a project and how each stands."""
    with _client(url, api_key) as client:
        found = client.view(project, "alerts")
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    for rule in found["rules"]:
        value = "—" if rule["value"] is None else f"{'≥ ' if rule['at_least'] else ''}{rule['value']}"
        scope = "" if rule["scope_by"] == "none" else f" {rule['scope_by']}={rule['scope_key']}"
        what = f"{rule['kind']}{scope} {rule['window']}"
        typer.echo(
            f"{rule['rule_id'][:8]}\t{rule['state']}\t{rule['name']}\t{what}\t{value} / {rule['limit']} {rule['unit']}"
        )
    if not found["rules"]:
        typer.echo(f"no alerts on {project}: `everytoken alerts create` makes one", err=True)


@app.command()
def create(  # noqa: PLR0913, PLR0917 - one parameter an option
    project: ProjectArgument,
    name: NameArgument,
    on: KindOption,
    limit: LimitOption,
    window: WindowOption = None,
    scope: ScopeOption = None,
    levels: LevelsOption = None,
    min_calls: MinCallsOption = None,
    webhook: Annotated[list[str] | None, typer.Option(help="URL that gets signed JSON; repeatable.")] = None,
    slack: Annotated[list[str] | None, typer.Option(help="URL of a Slack incoming webhook; repeatable.")] = None,
    email: Annotated[list[str] | None, typer.Option(help="Address that gets mail; repeatable.")] = None,
    url: UrlOption = DEFAULT_URL,
    api_key: ApiKeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an alert. The secrets that sign its webhooks are printed, this once."""
    body = _body(name, on, limit, window, scope, levels, min_calls)
    given = {"webhook": webhook, "slack": slack, "email": email}
    body["targets"] = [{"kind": kind, "address": address} for kind, some in given.items() for address in some or []]
    with _client(url, api_key) as client:
        made = client.call("POST", f"/projects/{quote(project, safe='')}/alerts", body)
    if as_json:
        typer.echo(json.dumps(made, ensure_ascii=False))
        return
    typer.echo(made["rule"]["rule_id"])
    addresses = {target["target_id"]: target["address"] for target in made["rule"]["targets"]}
    for one in made["secrets"]:
        typer.echo(f"secret of {addresses[one['target_id']]} (not shown again):", err=True)
        typer.echo(one["secret"])


@app.command()
def preview(  # noqa: PLR0913, PLR0917 - one parameter an option
    project: ProjectArgument,
    on: KindOption,
    limit: LimitOption,
    window: WindowOption = None,
    scope: ScopeOption = None,
    levels: LevelsOption = None,
    min_calls: MinCallsOption = None,
    days: DAYS = 7,
    url: UrlOption = DEFAULT_URL,
    api_key: ApiKeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say when an alert would have fired; nothing is kept and nobody is told."""
    body = _body("preview", on, limit, window, scope, levels, min_calls)
    with _client(url, api_key) as client:
        seen = client.call("POST", f"/projects/{quote(project, safe='')}/alerts/preview?days={days}", body)
    if as_json:
        typer.echo(json.dumps(seen, ensure_ascii=False))
        return
    for turn in seen["turns"]:
        typer.echo(turn["text"])
    more = ", the first of them shown" if seen["truncated"] else ""
    typer.echo(
        f"it would have fired {seen['fired']} times in {days} days{more}; "
        f"judged {seen['judged']:,} times, unknown {seen['unknown']:,} times",
        err=True,
    )


@app.command()
def delete(
    project: ProjectArgument,
    rule: RuleArgument,
    url: UrlOption = DEFAULT_URL,
    api_key: ApiKeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete an alert; its history stays."""
    with _client(url, api_key) as client:
        gone = client.call("DELETE", f"/projects/{quote(project, safe='')}/alerts/{_found(client, project, rule)}")
    typer.echo(json.dumps(gone, ensure_ascii=False) if as_json else f"{gone['name']} is deleted", err=not as_json)


@app.command()
def history(
    project: ProjectArgument,
    rule: Annotated[str | None, typer.Option(help="Only this one: id or name.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 20,
    url: UrlOption = DEFAULT_URL,
    api_key: ApiKeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what fired and resolved, newest first, and whom it reached."""
    with _client(url, api_key) as client:
        rule_id = None if rule is None else _found(client, project, rule)
        found = client.view(project, "alert-events", rule_id=rule_id, limit=limit)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    for event in found["events"]:
        reached = ", ".join(f"{one['state']} ({one['attempts']})" for one in event["deliveries"])
        typer.echo(f"{event['text']}" + (f"\t{reached}" if reached else ""))
    if not found["events"]:
        typer.echo("nothing happened yet", err=True)


@app.command("test")
def trial(
    project: ProjectArgument,
    rule: RuleArgument,
    url: UrlOption = DEFAULT_URL,
    api_key: ApiKeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send a trial to everybody an alert tells; exit 1 when it did not reach all of them."""
    with _client(url, api_key) as client:
        path = f"/projects/{quote(project, safe='')}/alerts/{_found(client, project, rule)}/test"
        tried = client.call("POST", path)
    if as_json:
        typer.echo(json.dumps(tried, ensure_ascii=False))
    for one in tried["targets"] if not as_json else []:
        typer.echo(f"{one['kind']}\t{one['address']}\t{one['error'] or 'arrived'}")
    if not tried["targets"]:
        raise CommandError("this alert tells nobody", hint="make it with --webhook, --slack or --email", exit_code=1)
    if any(one["error"] for one in tried["targets"]):
        raise typer.Exit(1)


def _client(url: str, api_key: str | None) -> Client:
    return Client(url, api_key=api_key)


def _found(client: Client, project: str, wanted: str) -> str:
    """The id of the one rule that an id, its beginning or a name means."""
    rules = client.view(project, "alerts")["rules"]
    named = [rule for rule in rules if rule["name"] == wanted]
    found = named or [rule for rule in rules if rule["rule_id"].startswith(wanted)]
    if len(found) != 1:
        many = "several alerts are" if found else "no alert is"
        raise CommandError(f"{many} called {wanted!r}", hint=f"everytoken alerts list {project}", exit_code=1)
    return quote(str(found[0]["rule_id"]), safe="")


def _body(
    name: str, on: str, limit: str, window: str | None, scope: str | None, levels: str | None, min_calls: int | None
) -> dict[str, Any]:
    body: dict[str, Any] = {"name": name, "kind": on, "limit": limit, "window": window or WINDOWS.get(on, "15m")}
    if scope is not None:
        by, equals, key = scope.partition("=")
        if not equals:
            raise CommandError(f"--scope {scope!r} names no value", hint="write it as user=u-7 or node=answer")
        body |= {"scope_by": by, "scope_key": key}
    if levels is not None:
        try:
            body["levels"] = [int(level) for level in levels.split(",")]
        except ValueError:
            raise CommandError(f"--levels {levels!r} are not percentages", hint="write 50,80,100") from None
    if min_calls is not None:
        body["min_calls"] = min_calls
    return body
