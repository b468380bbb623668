"""The rows of a report, one section a dimension, as the product API answers them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Protocol
from zoneinfo import ZoneInfo

By = Literal["project", "node", "model", "user", "day"]
FIGURES = (
    "llm_calls", "input_tokens", "output_tokens", "total_tokens", "cache_read_tokens", "reasoning_tokens", "cost_usd",
    "cost_known_usd", "unpriced_calls", "quality", "errors",
)  # fmt: skip

Row = Mapping[str, Any]


class Api(Protocol):
    def get(self, path: str, **params: str | int | None) -> dict[str, Any]: ...
    def view(self, project: str, view: str, **params: str | int | None) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Section:
    by: By
    rows: list[dict[str, Any]]
    """`key` (`None` where charges do not say) and `FIGURES`; days in their order, the others the dearest first."""


@dataclass(frozen=True, slots=True)
class Report:
    project: str | None
    """`None` for all."""
    from_: str | None
    to: str | None
    tz: str
    total: dict[str, Any] | None
    """Of the project; `None` for all projects, whose users and nodes have nothing in common."""
    sections: list[Section]

    def as_dict(self) -> dict[str, Any]:
        return {
            "project": self.project,
            "from": self.from_,
            "to": self.to,
            "tz": self.tz,
            "total": self.total,
            "sections": [{"by": section.by, "rows": section.rows} for section in self.sections],
        }


def gather(
    api: Api, project: str | None, by: Sequence[By], *, from_: str | None, to: str | None, tz: str | None
) -> Report:
    """Ask for every section. Without a project there is one: the projects."""
    window: dict[str, str | None] = {"from": from_, "to": to}
    if project is None:
        rows = api.get("/projects", **window)["projects"]
        section = Section("project", _rows(rows, "project"))
        return Report(None, from_, to, tz or "UTC", None, [section])
    total = _row(api.view(project, "summary", **window), project)
    zone = tz or api.view(project, "settings")["time_zone"]
    sections = [Section(one, _section(api, project, one, window, zone)) for one in by]
    return Report(project, from_, to, zone, total, sections)


def _section(api: Api, project: str, by: By, window: dict[str, str | None], zone: str) -> list[dict[str, Any]]:
    if by == "project":
        return [_row(api.view(project, "summary", **window), project)]
    if by == "day":
        series = api.view(project, "series", by="none", bucket="day", tz=zone, **window)
        points = [point for group in series["groups"] for point in group["points"]]
        return [_row(point, _day(point["start_us"], zone)) for point in sorted(points, key=lambda one: one["start_us"])]
    if by == "user":
        return _rows(api.view(project, "users", **window)["groups"], "key")
    return _rows(api.view(project, f"{by}s", **window)[f"{by}s"], by)


def _rows(rows: Iterable[Row], key: str) -> list[dict[str, Any]]:
    made = [_row(row, row[key]) for row in rows]
    return sorted(made, key=lambda row: float(row["cost_known_usd"]), reverse=True)


def _row(row: Row, key: str | None) -> dict[str, Any]:
    return {"key": key, **{name: row[name] for name in FIGURES if name in row}}


def _day(start_us: int, zone: str) -> str:
    return datetime.fromtimestamp(start_us / 1_000_000, UTC).astimezone(ZoneInfo(zone)).date().isoformat()
