"""One number explained: the rows of class × count × price that add up to it, the prices' sources, and its doubts."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from everytoken.core.pricing import MONEY
from everytoken.query.ids import as_uuid
from everytoken.query.projects import known_project
from everytoken.query.rows import Totals
from everytoken.query.totals import sums_of_row, total_fields, usd_text
from everytoken.query.window import Window
from everytoken.store.control import Control
from everytoken.store.ledger import Ledger
from everytoken.store.reading import sql_text

Cell = Literal["none", "model", "node", "user", "thread", "tag", "provider", "call_path", "quality", "release"]
MAX_ROWS = 500
MAX_NOTES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """Which number: all charges of a window, of one value of a dimension, of a trace, or one charge."""

    project: str
    window: Window
    by: Cell = "none"
    key: str = ""
    """Value of the dimension; empty for the charges that do not say."""
    trace_id: str | None = None
    charge_key: str | None = None
    provider: str | None = None
    """Only charges of this provider, empty for those that do not say: a model may be served by several."""

    def params(self) -> dict[str, Any]:
        return {
            "project": self.project,
            "by": self.by,
            "key": self.key,
            "trace_id": None if self.trace_id is None else as_uuid(self.trace_id, field="query.trace_id"),
            "charge_key": self.charge_key,
            "provider": self.provider,
            **self.window.params(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainRow:
    token_class: str
    """A token class or a meter; each token is in one of them."""
    count: str
    rate_usd: str
    per: int
    """`count` × `rate_usd` / `per` is `usd`."""
    usd: str
    calls: int
    price_entry: str | None
    price_source: str | None
    """The price list with its version, or the override's file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainNote:
    kind: str
    """`unpriced` and `running` are not in the number; `approximate`, `usage` and `settlement` are doubts about it."""
    code: str | None
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation(Totals):
    """The sum of `rows`, `rest_usd` and `rounding_usd` is exactly `cost_known_usd`."""

    project: str
    rows: list[ExplainRow]
    """The dearest first."""
    rest_usd: str
    """What the rows beyond those listed add up to; `0` unless `truncated`."""
    rounding_usd: str
    """Charges are rounded to 10^-12 dollars and their lines cut there: what that leaves; `0` at prices of today."""
    truncated: bool
    notes: list[ExplainNote]


def explain(ledger: Ledger, control: Control, asked: Explained) -> Explanation:
    """The arithmetic behind the known cost of some charges.

    Raises:
        NotFoundError: no such project.
    """
    known_project(control, asked.project, field="query.project")
    params, which = asked.params(), {"explained": sql_text("explained")}
    (whole,) = ledger.select("explain_totals", which, **params)
    sums = sums_of_row(whole)
    lines = ledger.select("explain_lines", which, limit=MAX_ROWS * 20, **params)
    listed, rest = lines[:MAX_ROWS], _sum(lines[MAX_ROWS:])
    rounding = MONEY.subtract(sums.cost_known_usd, MONEY.add(_sum(listed), rest))
    return Explanation(
        project=asked.project,
        rows=[
            ExplainRow(
                token_class=line["token_class"],
                count=usd_text(line["counted"]),
                rate_usd=usd_text(Decimal(line["rate"])),
                per=line["per"],
                usd=usd_text(line["usd"]),
                calls=line["calls"],
                price_entry=line["entry"] or None,
                price_source=line["source"] or None,
            )
            for line in listed
        ],
        rest_usd=usd_text(rest),
        rounding_usd=usd_text(rounding),
        truncated=len(lines) > MAX_ROWS,
        notes=[
            ExplainNote(kind=note["kind"], code=note["code"] or None, calls=note["calls"])
            for note in ledger.select("explain_notes", which, limit=MAX_NOTES, **params)
        ],
        **total_fields(sums),
    )


def _sum(lines: list[dict[str, Any]]) -> Decimal:
    total = Decimal(0)
    for line in lines:
        total = MONEY.add(total, line["usd"])
    return total
