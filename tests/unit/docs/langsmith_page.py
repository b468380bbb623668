"""What the reference says of LangSmith's API: each route that is answered with all it reads, and what is not kept."""

from collections.abc import Iterator
from unittest.mock import Mock

from fastapi import APIRouter
from fastapi.routing import APIRoute
from pydantic import BaseModel

from everytoken.server.langsmith_mounts import V1, V2
from everytoken.server.langsmith_unserved import UNSERVED

Row = tuple[str, str, str]


def answered() -> list[Row]:
    """Request, query parameters, fields of the body; in the order of the paths."""
    rows = [row for build in V1 for row in _rows(build(Mock()), "")]
    rows += [row for build in V2 for row in _rows(build(Mock()), "/api/v2")]
    return sorted(rows, key=lambda row: (row[0].partition(" ")[2].startswith("`"), row[0].partition(" ")[2], row[0]))


def _rows(router: APIRouter, mount: str) -> Iterator[Row]:
    for route in router.routes:
        assert isinstance(route, APIRoute)
        for method in sorted(route.methods or ()):
            yield f"`{method} {mount}{route.path_format}`", _names(_query(route)), _names(_body(route))


def _query(route: APIRoute) -> list[str]:
    return [name for field in route.dependant.query_params for name in _fields(field.field_info.annotation, field.name)]


def _body(route: APIRoute) -> list[str]:
    return [name for field in route.dependant.body_params for name in _fields(field.field_info.annotation, field.name)]


def _fields(kind: object, name: str) -> list[str]:
    """The fields of a model, or of the first model that is one of several kinds; else the parameter itself."""
    for one in (kind, *getattr(kind, "__args__", ())):
        if isinstance(one, type) and issubclass(one, BaseModel):
            return list(one.model_fields)
    return [name]


def _names(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def not_kept() -> list[Row]:
    return [(kind.what, ", ".join(f"`/{path}`" for path in kind.paths), kind.remedy) for kind in UNSERVED]
