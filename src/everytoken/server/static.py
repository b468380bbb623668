"""The built page: hashed assets for ever, everything else through the page's own router, under a strict policy."""

from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from starlette.exceptions import HTTPException

FOLDER = Path(__file__).parent / "static"
ASSETS = "assets"
"""Vite names these by their content, so that they never change."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "style-src-attr 'unsafe-inline'",  # charts place their tooltips with style attributes
        "img-src 'self' data: blob:",
        "media-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
NOT_BUILT = """<!doctype html><meta charset="utf-8"><title>everytoken</title>
<p>The server runs. The page is not built: in a checkout, <code>make ui</code> builds it.</p>
"""


def page_router(folder: Path = FOLDER) -> APIRouter:
    """Mount it last: it answers every GET that no other route has taken."""
    router = APIRouter(include_in_schema=False)

    @router.api_route("/{path:path}", methods=["GET", "HEAD"])
    def page(request: Request, path: str) -> Response:
        file = _file(folder, path or "index.html")
        if file is not None:
            lasting = path.startswith(f"{ASSETS}/")
            cache = "public, max-age=31536000, immutable" if lasting else "no-cache"
            return FileResponse(file, headers={**HEADERS, "Cache-Control": cache})
        if path.startswith(("everytoken/", f"{ASSETS}/")) or "text/html" not in request.headers.get("accept", ""):
            raise HTTPException(404, "Not Found")
        headers = {**HEADERS, "Cache-Control": "no-cache"}
        index = folder / "index.html"
        if not index.is_file():
            return Response(NOT_BUILT, 200, headers, "text/html")
        return FileResponse(index, headers=headers)

    return router


def _file(folder: Path, path: str) -> Path | None:
    """The file of that name inside `folder`, never outside of it."""
    if not path or "\0" in path:
        return None
    try:
        file = (folder / path).resolve()
        return file if file.is_relative_to(folder.resolve()) and file.is_file() else None
    except (OSError, ValueError):
        return None
