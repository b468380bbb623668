"""A project's settings over HTTP; each change is in the audit log."""

import time
from dataclasses import asdict, dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, StringConstraints

from everytoken.ingest.masking import BUILT_IN, MAX_PATTERN_CHARS, MaskError, compile_masks, masked_text
from everytoken.query.projects import known_project
from everytoken.server.access import of_request
from everytoken.server.errors import RequestError
from everytoken.server.product import PREFIX, PROBLEMS, Using, answer
from everytoken.store.project_settings import MAX_MASKS, MAX_RETENTION_DAYS, ProjectSettings, SettingError

router = APIRouter(prefix=f"{PREFIX}/projects/{{project:path}}", responses=PROBLEMS)

TRIED_CHARS = 20_000
"""Of a text that masks are tried on; more is not looked at by a person."""

Days = Annotated[int, Field(ge=1, le=MAX_RETENTION_DAYS)]
Pattern = Annotated[str, StringConstraints(max_length=MAX_PATTERN_CHARS)]


@dataclass(frozen=True, slots=True)
class SettingsView:
    project: str
    time_zone: str
    content_retention_days: int | None
    charge_retention_days: int | None
    masks: list[str]
    mask_patterns: list[str]
    built_in_masks: list[str]
    """What `masks` may name."""


class SettingsBody(BaseModel):
    """What is left out stays as it is; `null` for a retention keeps for ever."""

    time_zone: str | None = Field(default=None, max_length=64, description="IANA name such as Asia/Seoul.")
    content_retention_days: Days | None = None
    charge_retention_days: Days | None = None
    masks: list[str] | None = Field(default=None, max_length=MAX_MASKS)
    mask_patterns: list[Pattern] | None = Field(default=None, max_length=MAX_MASKS, description="RE2 syntax.")


class MaskTrial(BaseModel):
    """A text and the masks to try on it."""

    text: str = Field(max_length=TRIED_CHARS)
    masks: list[str] = Field(default=[], max_length=MAX_MASKS)
    mask_patterns: list[Pattern] = Field(default=[], max_length=MAX_MASKS, description="RE2 syntax.")


@dataclass(frozen=True, slots=True)
class Masked:
    text: str
    """What would be stored."""
    matches: int


@router.get("/settings", response_model=SettingsView)
def read_settings(use: Using, project: str) -> Response:
    """Time zone, retention and masks of a project."""
    found = known_project(use.control, project)
    return answer(_view(project, use.control.settings.get(found.project_id)))


@router.patch("/settings", response_model=SettingsView)
def change_settings(use: Using, request: Request, project: str, body: SettingsBody) -> Response:
    """Change some of them. They hold for what arrives from now on; retention also for what is there."""
    found = known_project(use.control, project)
    before = use.control.settings.get(found.project_id)
    after = _changed(before, body)
    use.control.settings.put(found.project_id, after, time.time_ns() // 1000)
    if after != before:
        actor = of_request(request).actor
        use.control.audit.record(actor, "settings.change", project, asdict(before), asdict(after))
    return answer(_view(project, after))


@router.post("/settings/masked", response_model=Masked)
def try_masks(use: Using, project: str, body: MaskTrial) -> Response:
    """What masks would leave of a text. Nothing is kept of it."""
    known_project(use.control, project)
    try:
        patterns = compile_masks(tuple(dict.fromkeys(body.masks)), tuple(dict.fromkeys(body.mask_patterns)))
    except MaskError as error:
        raise RequestError(str(error), field=f"body.{error.field}") from error
    text, matches = masked_text(body.text, patterns)
    return answer(Masked(text, matches))


def _changed(before: ProjectSettings, body: SettingsBody) -> ProjectSettings:
    given = body.model_dump(include=body.model_fields_set)
    for name in ("time_zone", "masks", "mask_patterns"):
        if name in given and given[name] is None:
            given[name] = getattr(ProjectSettings(), name)
    for name in ("masks", "mask_patterns"):
        if name in given:
            given[name] = tuple(dict.fromkeys(given[name]))
    try:
        after = replace(before, **given).checked()
        compile_masks(after.masks, after.mask_patterns)
    except (SettingError, MaskError) as error:
        raise RequestError(str(error), field=f"body.{error.field}") from error
    return after


def _view(project: str, settings: ProjectSettings) -> SettingsView:
    return SettingsView(
        project=project,
        time_zone=settings.time_zone,
        content_retention_days=settings.content_retention_days,
        charge_retention_days=settings.charge_retention_days,
        masks=list(settings.masks),
        mask_patterns=list(settings.mask_patterns),
        built_in_masks=sorted(BUILT_IN),
    )
