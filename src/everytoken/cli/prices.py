"""`everytoken prices`: list and show prices, find models without one, check a file, price recorded responses."""

import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import httpx
import typer

from everytoken.catalog import PriceBook, PriceFileError
from everytoken.catalog.compute import compute as compute_record
from everytoken.catalog.compute import money
from everytoken.catalog.missing import Seen, find_missing, toml_stub
from everytoken.catalog.price_file import read_price_file
from everytoken.cli.errors import CommandError

app = typer.Typer(no_args_is_help=True, help="Prices: what a model costs, and what a recorded response cost.")

MAX_LINE_BYTES = 64 * 1024**2
"""A recorded response with images fits; a longer line is answered with an error and skipped."""
MAX_PAGES = 10_000
"""Pages of charges read from a server: five million charges at 500 a page."""
PAGE = 500

PricesOption = Annotated[
    list[Path] | None,
    typer.Option("--prices", envvar="EVERYTOKEN_PRICES", help="TOML file with overrides; repeatable."),
]
ProfileOption = Annotated[list[str] | None, typer.Option("--profile", help="Profile of overrides to load; repeatable.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ProviderOption = Annotated[str | None, typer.Option("--provider", help="Who bills, such as openai or google.")]


def _book(prices: list[Path] | None, profiles: list[str] | None) -> PriceBook:
    try:
        return PriceBook(prices or (), profiles=profiles or ())
    except PriceFileError as error:
        first = error.problems[0]
        raise CommandError(f"{first.file}:{first.line}: {first.what}", hint=first.cure) from error


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, default=_plain))


def _plain(value: object) -> str | None:
    return money(value) if isinstance(value, Decimal) else str(value)


@app.command("list")
def list_prices(
    search: Annotated[str, typer.Argument(help="Only models whose name contains this.")] = "",
    provider: ProviderOption = None,
    prices: PricesOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the models that have a price."""
    models = [
        model
        for model in _book(prices, profile).models()
        if search.lower() in model.model.lower() and provider in (None, model.provider)
    ]
    if as_json:
        _print_json([asdict(model) for model in models])
    else:
        for model in models:
            checked = f" (checked {model.checked})" if model.checked else ""
            typer.echo(f"{model.provider}\t{model.model}\t{model.source}{checked}")
    if not models:
        raise CommandError(
            "no model matches", hint="leave out the filters, or see `everytoken prices missing`", exit_code=1
        )


@app.command()
def show(
    model: Annotated[str, typer.Argument(help="Model, as the provider names it.")],
    at: Annotated[str | None, typer.Option(help="Date or time of the request, ISO; now if left out.")] = None,
    provider: ProviderOption = None,
    tier: Annotated[str | None, typer.Option(help="Service tier: flex, priority, batch, ...")] = None,
    prices: PricesOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a model costs at a time, and where the price comes from."""
    sheet = _book(prices, profile).show(model, _moment(at), provider=provider, tier=tier)
    if as_json:
        _print_json(asdict(sheet))
    elif sheet.entry is not None:
        note = f", {sheet.reason}" if sheet.reason else ""
        typer.echo(f"{sheet.entry} at {sheet.at:%Y-%m-%d} ({sheet.tier or 'standard'}), {sheet.source}{note}")
        for row in sheet.rates:
            over = f" above {row.over:,} input tokens" if row.over is not None else ""
            source = "" if row.source == sheet.source else f" [{row.source}]"
            typer.echo(f"  {row.key}\t{money(row.usd) or 'unknown'} USD / {row.per:,}{over}{source}")
        typer.echo(f"  tiers: {', '.join(('standard', *sheet.tiers))}")
    if sheet.entry is None:
        raise CommandError(f"{model} has no price: {sheet.reason}", hint=_HINTS.get(sheet.reason or ""), exit_code=1)


_HINTS = {
    "model_unknown": "name the provider with --provider, or write an override file; see `everytoken prices missing`",
    "provider_unknown": "known providers are in `everytoken prices list`; others need an override file",
    "tier_unpriced": "leave out --tier to see the standard price and the tiers in force",
    "before_first_price": "choose a later --at",
    "after_last_price": "the override ended; add an entry for later days",
}


def _moment(at: str | None) -> datetime | None:
    if at is None:
        return None
    try:
        moment = datetime.fromisoformat(at)
    except ValueError as error:
        raise CommandError(f"{at!r} is not a date", hint="write --at 2026-11-22 or an ISO time") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="TOML file with overrides.")],
    as_json: JsonOption = False,
) -> None:
    """Check a price file; every wrong line is named with its cure."""
    try:
        entries = len(read_price_file(file))
    except PriceFileError as error:
        if as_json:
            _print_json({"file": str(file), "ok": False, "problems": [asdict(problem) for problem in error.problems]})
        for problem in error.problems[:-1]:
            typer.echo(f"{problem.file}:{problem.line}: {problem.what}\nhint: {problem.cure}", err=True)
        last = error.problems[-1]
        raise CommandError(f"{last.file}:{last.line}: {last.what}", hint=last.cure, exit_code=1) from error
    if as_json:
        _print_json({"file": str(file), "ok": True, "entries": entries, "problems": []})
    else:
        typer.echo(f"{file}: {entries} entries, all good")


@app.command()
def missing(
    file: Annotated[
        Path | None, typer.Argument(help="JSON or JSON Lines of models or charges; stdin if left out.")
    ] = None,
    url: Annotated[str | None, typer.Option(help="Server whose charges to look through instead of a file.")] = None,
    project: Annotated[str | None, typer.Option(help="Only this project of the server.")] = None,
    api_key: Annotated[
        str | None, typer.Option(envvar="EVERYTOKEN_API_KEY", help="Key, if the server wants one.")
    ] = None,
    prices: PricesOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the models that were seen and have no price, as the start of a price file: fill in the numbers."""
    book = _book(prices, profile)
    rows = _charges(url, project, api_key) if url else _rows(file)
    found = find_missing(rows, book, now_us=_now_us())
    if as_json:
        _print_json([asdict(seen) for seen in found])
    elif found:
        typer.echo(toml_stub(found), nl=False)
    if found:
        raise CommandError(
            f"{len(found)} without a price: {', '.join(_named(found))}",
            hint="fill in the numbers with their source, then `everytoken prices check FILE`",
            exit_code=1,
        )
    typer.echo("every model has a price", err=True)


def _named(found: Iterable[Seen]) -> list[str]:
    return [f"{seen.model or 'a request without a model'} ({seen.reason})" for seen in found]


def _rows(file: Path | None) -> Iterator[object]:
    try:
        text = sys.stdin.read() if file is None or str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read: {error}", hint="give a file of JSON or JSON Lines") from error
    try:
        whole = json.loads(text)
    except ValueError:
        whole = [_json_line(line, number) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if isinstance(whole, Mapping):
        whole = whole.get("charges") or whole.get("models") or [whole]
    yield from whole if isinstance(whole, list) else [whole]


def _json_line(line: str, number: int) -> object:
    try:
        return json.loads(line)
    except ValueError as error:
        raise CommandError(f"line {number} is not JSON: {error}", hint="one JSON value a line") from error


def _charges(url: str, project: str | None, api_key: str | None) -> Iterator[object]:
    """Charges of the project, or of each that the key may read."""
    with httpx.Client(base_url=url, headers={"x-api-key": api_key} if api_key else {}, timeout=30) as client:
        projects = [project] if project else [row["project"] for row in _asked(client, "projects", {})["projects"]]
        for name in projects:
            yield from _charges_of(client, name)


def _charges_of(client: httpx.Client, project: str) -> Iterator[object]:
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        asked = {"project": project, "cursor": cursor, "limit": str(PAGE)}
        page = _asked(client, "charges", {name: value for name, value in asked.items() if value})
        yield from page["charges"]
        cursor = page.get("next")
        if not cursor:
            return


def _asked(client: httpx.Client, what: str, asked: dict[str, str]) -> Any:
    try:
        answer = client.get(f"/everytoken/v1/{what}", params=asked).raise_for_status().json()
        _ = answer[what]
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise CommandError(
            f"no {what} from {client.base_url}: {error}", hint="is `everytoken serve` running there, is the key right?"
        ) from error
    return answer


@app.command()
def compute(
    prices: PricesOption = None,
    profile: ProfileOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="The answer is always JSON.")] = True,
) -> None:
    """Price recorded responses: JSON Lines on stdin, one JSON line each on stdout.

    A line is {"id", "provider", "model", "at", "shape", "context", "raw"}; one that cannot be read is answered with
    {"id", "error"} and the rest goes on. Exit code 1 if there was such a line.
    """
    book = _book(prices, profile)
    bad = 0
    for line in _lines(sys.stdin.buffer):
        answer = _answer(line, book)
        bad += "error" in answer
        _print_json(answer)
    if bad:
        raise CommandError(f"{bad} lines could not be read", hint="see the lines with an `error`", exit_code=1)


def _answer(line: bytes, book: PriceBook) -> dict[str, Any]:
    if len(line) > MAX_LINE_BYTES:
        return {"id": None, "error": "the line is longer than 64 MiB"}
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        return {"id": None, "error": f"not JSON: {error}"}
    return compute_record(record, book, now_us=_now_us())


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """The lines that are not blank; one that is too long comes cut to a byte more than the limit."""
    while line := stream.readline(MAX_LINE_BYTES + 1):
        rest = line
        while len(rest) > MAX_LINE_BYTES and not rest.endswith(b"\n"):
            rest = stream.readline(MAX_LINE_BYTES + 1)
        if line.strip():
            yield line


def _now_us() -> int:
    return time.time_ns() // 1_000
