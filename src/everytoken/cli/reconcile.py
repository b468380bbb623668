"""`everytoken reconcile FILE`: a provider's bill beside the ledger, by day and model, with the causes of each drift."""

import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from everytoken.cli.client import Client
from everytoken.cli.errors import CommandError
from everytoken.cli.exchange.columns import plain
from everytoken.cli.options import DEFAULT_URL, ApiKeyOption, JsonOption, ProjectsOption, UrlOption
from everytoken.cli.progress import progress
from everytoken.cli.render import data_console
from everytoken.cli.statements.drift import CAUSES, Drift, billed_days, compare
from everytoken.cli.statements.ledger import Ledger
from everytoken.cli.statements.lines import BillLine, StatementError
from everytoken.cli.statements.reading import ZONES, read_statement

PAGE_ROWS = 2_000


def reconcile(
    file: Annotated[Path, typer.Argument(help="Export of OpenAI (usage, costs) or Google Cloud billing; JSON or CSV.")],
    project: ProjectsOption = None,
    key: Annotated[
        list[str] | None, typer.Option(help="Only lines of this API key or project of the provider; repeatable.")
    ] = None,
    tz: Annotated[
        str | None, typer.Option(help="Time zone of the days; UTC for OpenAI, Pacific time for Google.")
    ] = None,
    url: UrlOption = DEFAULT_URL,
    api_key: ApiKeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare a bill with the ledger. Exit 0: they agree, 1: they differ, 2: could not compare."""
    lines = _lines(file, key)
    provider = lines[0].provider
    zone = tz or ZONES[provider]
    ledger = Ledger(provider)
    with Client(url, api_key=api_key) as client:
        client.flush()
        from_us, to_us = _window(lines, zone)
        window = {"from": str(from_us), "to": str(to_us)}
        rows = client.get("/projects", **window)["projects"]
        names = [row["project"] for row in rows if project is None or row["project"] in project]
        with progress("charges", sum(row["llm_calls"] for row in rows if row["project"] in names)) as advance:
            for charges in _charges(client, names, window):
                ledger.add(charges)
                advance(len(charges))
    drifts = compare(lines, ledger, zone)
    if as_json:
        typer.echo(json.dumps(_told(drifts, provider, zone), ensure_ascii=False))
    else:
        _print(drifts, zone)
    if not all(drift.agrees for drift in drifts):
        raise typer.Exit(1)


def _lines(file: Path, keys: list[str] | None) -> list[BillLine]:
    try:
        lines = read_statement(file)
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from error
    except (StatementError, UnicodeDecodeError) as error:
        raise CommandError(
            f"{file}: {error}", hint="see docs/how-to/reconcile.md for the exports that are read"
        ) from error
    kept = [line for line in lines if keys is None or line.key in keys]
    if not kept:
        found = ", ".join(sorted({line.key for line in lines if line.key})) or "none: group the export by API key"
        raise CommandError("no line of the file is of that key", hint=f"keys in it: {found}")
    return kept


def _window(lines: Iterable[BillLine], zone: str) -> tuple[int, int]:
    """From the first day of the bill to the end of its last, and a day more on each side for other zones."""
    try:
        where = ZoneInfo(zone)
    except (ValueError, OSError, LookupError) as error:
        raise CommandError(f"no time zone {zone!r}", hint="write a name such as Asia/Seoul") from error
    days = sorted(day for day, _model in billed_days(lines, zone))

    def start(day: str, more: int) -> int:
        at = datetime.combine(date.fromisoformat(day) + timedelta(days=more), datetime.min.time(), where)
        return round(at.timestamp()) * 1_000_000

    return start(days[0], -1), start(days[-1], 2)


def _charges(client: Client, projects: Iterable[str], window: dict[str, str]) -> Iterator[list[dict[str, Any]]]:
    for name in projects:
        cursor: str | None = None
        while True:
            page = client.get("/export/charges", project=name, cursor=cursor, limit=PAGE_ROWS, **window)
            yield page["charges"]
            cursor = page["next"]
            if cursor is None:
                break


def _told(drifts: list[Drift], provider: str, zone: str) -> dict[str, Any]:
    return {
        "provider": provider,
        "tz": zone,
        "agrees": all(drift.agrees for drift in drifts),
        "billed_usd": _sum(drift.billed.cost_usd for drift in drifts),
        "ledger_usd": plain(sum((drift.ours.cost_usd for drift in drifts), Decimal(0))),
        "rows": [drift.as_dict() for drift in drifts],
    }


def _sum(amounts: Iterable[Decimal | None]) -> str | None:
    known = [amount for amount in amounts if amount is not None]
    return plain(sum(known, Decimal(0))) if known else None


def _print(drifts: list[Drift], zone: str) -> None:
    console, talk = data_console(), Console(stderr=True, highlight=False)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in (f"day ({zone})", "model"):
        table.add_column(title, no_wrap=True)
    for title in ("billed tok", "ledger tok", "billed $", "ledger $", "drift $"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("causes", overflow="fold")
    for drift in drifts:
        billed = drift.billed
        cost = "—" if billed.cost_usd is None else plain(billed.cost_usd)
        tokens = "—" if billed.tokens is None else f"{billed.tokens:,}"
        usd = "—" if drift.usd is None else plain(drift.usd)
        causes = "; ".join(f"{cause.code}: {cause.detail}" for cause in drift.causes) or "agrees"
        ours = f"{drift.ours.input_tokens + drift.ours.output_tokens:,}"
        row = (drift.day, drift.model or "—", tokens, ours, cost, plain(drift.ours.cost_usd), usd, causes)
        table.add_row(*row)
    console.print(table)
    for code in sorted({cause.code for drift in drifts for cause in drift.causes}):
        talk.print(f"· {code}: {CAUSES[code]}")
