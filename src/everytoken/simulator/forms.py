"""Multipart forms: uploads of pictures, sound and files, bounded as every body is."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from everytoken.simulator.bodies import MAX_BODY_BYTES
from everytoken.simulator.exchange import RefusalError

MAX_TEXT_BYTES = 4 * 1024**2
MAX_FIELDS = 1_000


@dataclass(frozen=True, slots=True)
class Form:
    texts: dict[str, Any]
    files: list[tuple[str, bytes]]
    """Name and content of every upload."""

    def one_file(self) -> tuple[str, bytes]:
        """Raises RefusalError: there is no file."""
        if not self.files:
            raise RefusalError(
                400, "Missing required parameter: 'file'.", param="file", code="missing_required_parameter"
            )
        return self.files[0]


async def read_form(request: Request, *, max_fields: int = MAX_FIELDS, max_text_bytes: int = MAX_TEXT_BYTES) -> Form:
    """Raises RefusalError: no form, or too large."""

    async def bounded() -> AsyncGenerator[bytes, None]:
        size = 0
        async for part in request.stream():
            size += len(part)
            if size > MAX_BODY_BYTES:
                raise RefusalError(413, f"The body of the request is larger than {MAX_BODY_BYTES} bytes.")
            yield part

    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise RefusalError(400, "Could not parse multipart form")
    try:
        parser = MultiPartParser(request.headers, bounded(), max_fields=max_fields, max_part_size=max_text_bytes)
        data = await parser.parse()
    except (MultiPartException, KeyError) as error:
        raise RefusalError(400, f"Could not parse multipart form ({error})") from error
    fields = data.multi_items()
    files = [(value.filename or "upload", await value.read()) for _, value in fields if isinstance(value, UploadFile)]
    await data.close()
    return Form({key: value for key, value in fields if isinstance(value, str)}, files)
