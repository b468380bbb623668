"""A file to the lines of a bill: which provider's it is, told by what it holds."""

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from everytoken.cli.statements import google, openai
from everytoken.cli.statements.lines import BillLine, StatementError

MAX_BYTES = 512 * 1024**2
"""A bill by day, model and key is some megabytes; a larger file is another thing."""
ZONES = {"openai": openai.ZONE, "google": google.ZONE}


def read_statement(path: Path) -> list[BillLine]:
    """Every line about a model.

    Raises:
        StatementError: it is not an export that is known.
        OSError: it cannot be read.
    """
    if path.stat().st_size > MAX_BYTES:
        raise StatementError("larger than 512 MiB; export fewer days")
    text = path.read_text(encoding="utf-8-sig")
    lines = list(_from_csv(text) if path.suffix.lower() in (".csv", ".tsv") else _from_json(text))
    if not lines:
        raise StatementError("it names no model of OpenAI or Gemini")
    return lines


def _from_json(text: str) -> Iterator[BillLine]:
    values = list(_values(text))
    if values and all(openai.is_page(value) for value in values):
        return openai.from_pages(values)
    if values and all(google.is_row(value) for value in values):
        return google.from_rows(values)
    raise StatementError("neither pages of OpenAI's usage or costs nor rows of Google Cloud's billing export")


def _values(text: str) -> Iterator[Any]:
    """One JSON value, a list of them, or one a line."""
    try:
        whole = json.loads(text)
    except ValueError:
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                try:
                    yield json.loads(line)
                except ValueError as error:
                    raise StatementError(f"line {number} is not JSON: {error}") from error
        return
    yield from whole if isinstance(whole, list) else [whole]


def _from_csv(text: str) -> Iterator[BillLine]:
    head = text.lstrip().splitlines()
    if not head:
        raise StatementError("it is empty")
    # The console writes some lines about the account before its table.
    begin = next((at for at, line in enumerate(head[:20]) if "sku" in line.lower() or "start_time" in line), 0)
    table = head[begin:]
    rows = list(csv.DictReader(table, delimiter="\t" if "\t" in table[0] else ","))
    names = set(rows[0]) if rows else set()
    if "start_time" in names and names & openai.MARKS:
        return openai.from_rows(rows)
    kept: list[Mapping[str, Any]] = [row for row in rows if google.is_row(row)]
    if kept:
        return google.from_rows(kept)
    raise StatementError("its columns are neither those of OpenAI's export nor of Google Cloud's")
