"""`everytoken reprice`: stored charges at the prices of now for their day; first what would change, then the change."""

import json
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, Protocol

import typer
from rich.console import Console
from rich.table import Table

from everytoken.cli.client import Client
from everytoken.cli.exchange.columns import plain
from everytoken.cli.options import DEFAULT_URL, ApiKeyOption, FromOption, JsonOption, ToOption, UrlOption
from everytoken.cli.progress import progress
from everytoken.cli.render import data_console

MONEY = ("before_usd", "after_usd")
COUNTS = ("charges", "changed", "newly_priced", "newly_unpriced")

Answer = Mapping[str, Any]


class Api(Protocol):
    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]: ...


def reprice(
    project: Annotated[str | None, typer.Option(help="Only this project.")] = None,
    from_: FromOption = None,
    to: ToOption = None,
    apply: Annotated[bool, typer.Option("--apply", help="Store the new costs; without it nothing changes.")] = False,
    url: UrlOption = DEFAULT_URL,
    api_key: ApiKeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show by day and model what the charges would cost at the prices of now; --apply makes it so."""
    asked = {"project": project, "from": from_, "to": to, "apply": apply}
    answers = []
    with Client(url, api_key=api_key) as client:
        total = client.view(project, "summary", **{"from": from_, "to": to})["llm_calls"] if project else None
        with progress("charges", total) as advance:
            for answer in every_answer(client, asked):
                advance(answer["charges"])
                answers.append(answer)
    told = merged(answers)
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    _print(told)


def every_answer(api: Api, asked: Mapping[str, Any]) -> Iterator[Answer]:
    """The server looks at charges for a while, and says where to go on."""
    cursor: str | None = None
    while True:
        answer = api.call("POST", "/reprice", {**asked, "cursor": cursor})
        yield answer
        cursor = answer["next"]
        if cursor is None:
            return


def merged(answers: Iterable[Answer]) -> dict[str, Any]:
    """The answers as one: rows of the same day and model added up."""
    rows: dict[tuple[str, str | None, str | None], dict[str, Any]] = {}
    whole = _nothing()
    applied = False
    for answer in answers:
        applied = answer["applied"]
        _add(whole, answer)
        for row in answer["rows"]:
            _add(rows.setdefault((row["day"], row["provider"], row["model"]), _nothing()), row)
    keys = sorted(rows, key=lambda key: tuple(part or "" for part in key))
    shown = [
        {"day": day, "provider": provider, "model": model, **_shown(rows[day, provider, model])}
        for day, provider, model in keys
    ]
    return {"applied": applied, "rows": shown, **_shown(whole)}


def _nothing() -> dict[str, Any]:
    return {**dict.fromkeys(COUNTS, 0), **dict.fromkeys(MONEY, Decimal(0))}


def _add(held: dict[str, Any], row: Answer) -> None:
    for name in COUNTS:
        held[name] += row[name]
    for name in MONEY:
        held[name] += Decimal(row[name])


def _shown(held: Mapping[str, Any]) -> dict[str, Any]:
    difference = held["after_usd"] - held["before_usd"]
    return {**held, **{name: plain(held[name]) for name in MONEY}, "difference_usd": plain(difference)}


def _print(told: Mapping[str, Any]) -> None:
    console, talk = data_console(), Console(stderr=True, highlight=False)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("day", "model"):
        table.add_column(title, no_wrap=True)
    for title in ("charges", "changed", "before", "after", "difference"):
        table.add_column(title, justify="right", no_wrap=True)
    for row in told["rows"]:
        model = "/".join(filter(None, (row["provider"], row["model"]))) or "—"
        table.add_row(row["day"], model, *_figures(row))
    if told["rows"]:
        table.add_row("all", "", *_figures(told))
        console.print(table)
    done = "changed" if told["applied"] else "would change; --apply changes them"
    talk.print(f"· {told['changed']:,} of {told['charges']:,} charges {done}")


def _figures(row: Mapping[str, Any]) -> tuple[str, ...]:
    difference = row["difference_usd"]
    signed = difference if difference.startswith("-") else f"+{difference}"
    return (
        f"{row['charges']:,}", f"{row['changed']:,}", f"${row['before_usd']}", f"${row['after_usd']}", signed,
    )  # fmt: skip
