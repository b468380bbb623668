"""The administrators' route that makes a backup while the server works."""

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from everytoken.config import Settings
from everytoken.server.errors import RequestError
from everytoken.server.product import PREFIX, PROBLEMS, Services, services
from everytoken.store.backup import backup, refuse_shared
from everytoken.store.errors import FolderError, StoreError

router = APIRouter(prefix=PREFIX, responses=PROBLEMS)


class BackupBody(BaseModel):
    target: str = Field(
        min_length=1,
        max_length=4_096,
        description="Absolute path on the server's machine that does not exist yet: a folder, or a file `….tar`.",
    )


class Backup(BaseModel):
    """What was written."""

    product: str
    format: int
    ledger_schema: int
    made_us: int
    rows: dict[str, int]
    """Rows by table of the ledger, all versions."""
    size_bytes: int
    sha256: dict[str, str]
    """Checksum by file."""


@router.post("/backup", response_model=Backup)
async def make_backup(request: Request, body: BackupBody, use: Annotated[Services, Depends(services)]) -> Any:
    """Write a backup of everything accepted so far to the server's disk."""
    target = Path(body.target)
    if not target.is_absolute() or "\0" in body.target:
        raise RequestError("a backup needs an absolute path", field="body.target")
    settings: Settings = request.app.state.settings
    try:
        refuse_shared(settings)
    except StoreError as error:
        raise RequestError(str(error), hint=error.hint) from error
    await use.pipeline.flush()
    try:
        return await run_in_threadpool(backup, settings, use.ledger, target)
    except FolderError as error:
        raise RequestError(str(error), field="body.target", hint=error.hint, status=409) from error
