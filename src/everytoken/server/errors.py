"""Every 4xx and 5xx answer of the product API is one `Problem`: what happened, which field, what to do."""

import logging

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from everytoken.query.errors import CursorError, NotFoundError
from everytoken.query.filter.errors import FilterError
from everytoken.query.problem_codes import Code, code_of_missing, code_of_status
from everytoken.query.server_rows import Problem
from everytoken.server.answer_headers import guarded
from everytoken.server.request_ids import HEADER, RequestIdMiddleware
from everytoken.store.errors import ReadTimeoutError, ReadTooLargeError, StoreError, StoreUnavailableError

PRODUCT_PREFIX = "/everytoken/"
RETRY_AFTER_S = 5

log = logging.getLogger("everytoken.server")


class RequestError(Exception):
    """A request that cannot be answered as it stands."""

    def __init__(
        self,
        error: str,
        *,
        code: Code | None = None,
        field: str | None = None,
        hint: str | None = None,
        status: int = 400,
        retry_s: int | None = None,
    ) -> None:
        super().__init__(error)
        self.status = status
        self.retry_s = retry_s
        """Seconds after which the same request may be sent again; `None` when that would not help."""
        self.problem = Problem(
            error=error,
            code=code or (code_of_status(status) if field is None else "field_wrong"),
            field=field,
            hint=hint,
        )


def install(app: FastAPI) -> None:
    """Register the handlers. Other routes, such as LangSmith's, keep their own shape for their own errors.

    To be called after the gate is in place: who is turned away there is told the request's id too.
    """
    app.add_middleware(RequestIdMiddleware)

    @app.exception_handler(RequestError)
    def _problem(_request: Request, raised: RequestError) -> Response:
        return answer(raised.status, raised.problem, retry_s=raised.retry_s)

    @app.exception_handler(NotFoundError)
    def _not_found(_request: Request, raised: NotFoundError) -> Response:
        return answer(
            404, Problem(error=str(raised), code=code_of_missing(raised.field), field=raised.field, hint=raised.hint)
        )

    @app.exception_handler(CursorError)
    def _cursor(_request: Request, raised: CursorError) -> Response:
        hint = "start again without a cursor"
        return answer(400, Problem(error=str(raised), code="cursor_unknown", field="query.cursor", hint=hint))

    @app.exception_handler(FilterError)
    def _filter(_request: Request, raised: FilterError) -> Response:
        return answer(
            400,
            Problem(
                error=str(raised),
                code="filter_wrong",
                field="query.filter",
                hint=raised.suggestion,
                position=raised.position,
            ),
        )

    @app.exception_handler(StoreError)
    def _store(request: Request, raised: StoreError) -> Response:
        problem = Problem(error=str(raised), code=_store_code(raised), hint=raised.hint)
        if isinstance(raised, ReadTooLargeError):
            return answer(400, problem)
        if not isinstance(raised, ReadTimeoutError):
            log.error("the store failed, request %s: %s", _id_of(request), raised.__cause__ or raised)
        return answer(503, problem, retry_s=RETRY_AFTER_S)

    @app.exception_handler(RequestValidationError)
    def _invalid(_request: Request, raised: RequestValidationError) -> Response:
        first = raised.errors()[0]
        field = ".".join(str(step) for step in first["loc"])
        return answer(400, Problem(error=f"{field}: {first['msg']}", code="field_wrong", field=field))

    @app.exception_handler(HTTPException)
    def _http(request: Request, raised: HTTPException) -> Response:
        text = str(raised.detail)
        if request.url.path.startswith(PRODUCT_PREFIX):
            error = f"{request.method} {request.url.path}: {text}"
            return answer(raised.status_code, Problem(error=error, code=code_of_status(raised.status_code)))
        return Response(orjson.dumps({"detail": text}), raised.status_code, raised.headers, "application/json")

    @app.exception_handler(Exception)
    def _unexpected(request: Request, raised: Exception) -> Response:
        request_id = _id_of(request)
        log.error("%s %s failed, request %s", request.method, request.url.path, request_id, exc_info=raised)
        response = answer(500, Problem(error="the server failed to answer; its log says why", code="server_failed"))
        # This answer is made outside of what names and guards the others.
        response.raw_headers = guarded(response.raw_headers)
        response.headers[HEADER] = request_id
        return response


def _id_of(request: Request) -> str:
    return str(getattr(request.state, "request_id", "-"))


def _store_code(raised: StoreError) -> Code:
    if isinstance(raised, ReadTooLargeError):
        return "read_large"
    if isinstance(raised, ReadTimeoutError):
        return "read_slow"
    return "store_down" if isinstance(raised, StoreUnavailableError) else "busy"


def answer(status: int, problem: Problem, *, retry_s: int | None = None) -> Response:
    headers = {"Retry-After": str(retry_s)} if retry_s else None
    return Response(orjson.dumps(problem), status, headers, "application/json")
