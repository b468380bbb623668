"""Attachments of runs, by addresses that are signed and run out: clients fetch them without a key."""

import re

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse

from everytoken.query.errors import NotFoundError
from everytoken.server.errors import RequestError
from everytoken.server.langsmith_context import LangSmith, router

PLAIN_TYPES = re.compile(r"(image/(png|jpeg|gif|webp)|audio/[\w.+-]+|video/[\w.+-]+|text/plain|application/json)")
"""Served as what they are; anything else as a download, so that no page of a stranger runs on our origin."""


def attachments_router(use: LangSmith) -> APIRouter:
    """The route, to be mounted at the root, `/api` and `/api/v1`."""
    routes = router()

    @routes.get("/attachments/{sha256}")
    def attachment(sha256: str, mime_type: str, expires: str, signature: str) -> Response:
        if not use.is_signed(sha256, mime_type, expires, signature):
            raise RequestError("the address is not one of ours, or has run out", status=403, field="query.signature")
        file = use.attachments / sha256[:2] / sha256
        if not re.fullmatch(r"[0-9a-f]{64}", sha256) or not (file.is_file() or use.fetch(sha256, file)):
            raise NotFoundError("no such attachment", field="path.sha256")
        plain = PLAIN_TYPES.fullmatch(mime_type) is not None
        return FileResponse(
            file,
            media_type=mime_type if plain else "application/octet-stream",
            headers={
                "Content-Disposition": "inline" if plain else "attachment",
                "X-Content-Type-Options": "nosniff",
                "Content-Security-Policy": "default-src 'none'; sandbox",
                "Cache-Control": "private, max-age=3600",
            },
        )

    return routes
