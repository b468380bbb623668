"""The product API as the commands call it, on a local or a remote server."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import httpx

from everytoken.cli.errors import CommandError

BACKUP_TIMEOUT_S = 3_600.0
DELETE_TIMEOUT_S = 3_600.0  # one request erases up to 20,000 traces
TIMEOUT_S = 30.0  # a flush waits for everything acknowledged before it
LIVE_TIMEOUT_S = 45.0  # three of the feed's heartbeats
RETRIES = 8
RETRY_MAX_S = 30.0
BUSY = (429, 502, 503, 504)
"""Statuses that ask to come back; the body was not kept."""


class Client:
    """Calls `/everytoken/v1/` of one server.

    Raises:
        CommandError: the server is not there, refuses, or answers with a problem; the text is the server's own.
    """

    def __init__(self, url: str, *, api_key: str | None = None) -> None:
        headers = {"x-api-key": api_key} if api_key else {}
        self.url = url.rstrip("/")
        self._http = httpx.Client(base_url=self.url, headers=headers, timeout=TIMEOUT_S)

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def backup(self, target: Path) -> dict[str, Any]:
        """Have the server write a backup to its disk; the manifest."""
        self._http.timeout = httpx.Timeout(BACKUP_TIMEOUT_S)
        return self._call("POST", "/everytoken/v1/backup", {"target": str(target)})

    def flush(self) -> None:
        """Return when everything acknowledged so far is visible to reads."""
        self._call("POST", "/everytoken/v1/flush")

    def summary(self, project: str) -> dict[str, Any]:
        return self._call("GET", f"/everytoken/v1/projects/{quote(project, safe='')}/summary")

    def nodes(self, project: str) -> list[dict[str, Any]]:
        """The graph's nodes with their charges, as `query.rows.NodeRow` describes them."""
        rows: list[dict[str, Any]] = self._call("GET", f"/everytoken/v1/projects/{quote(project, safe='')}/nodes")[
            "nodes"
        ]
        return rows

    def coverage(self, project: str) -> dict[str, Any]:
        """How well the calls of each call path are known, as `query.chart_rows.Coverage` describes it."""
        return self._call("GET", f"/everytoken/v1/projects/{quote(project, safe='')}/coverage")

    def traces(self, project: str, *, limit: int = 50) -> list[dict[str, Any]]:
        """The newest traces of a project, newest first."""
        answer = self._call("GET", "/everytoken/v1/traces", project=project, limit=limit)
        rows: list[dict[str, Any]] = answer["traces"]
        return rows

    def trace(self, trace_id: str) -> dict[str, Any]:
        """One trace as `query.trace_rows.TraceView` describes it."""
        return self._call("GET", f"/everytoken/v1/traces/{quote(trace_id, safe='')}")

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Any route of the product API, with a JSON body."""
        return self._call(method, f"/everytoken/v1{path}", body)

    def delete(self, path: str, **params: str) -> dict[str, Any]:
        """Any deletion of the product API; it may take minutes."""
        self._http.timeout = httpx.Timeout(DELETE_TIMEOUT_S)
        return self._call("DELETE", f"/everytoken/v1{path}", None, **params)

    def get(self, path: str, **params: str | int | None) -> dict[str, Any]:
        """Any view of the product API; parameters that are `None` are left out."""
        given = {name: value for name, value in params.items() if value is not None}
        return self._call("GET", f"/everytoken/v1{path}", None, **given)

    def view(self, project: str, view: str, **params: str | int | None) -> dict[str, Any]:
        """One view of a project, such as `nodes` or `series`."""
        return self.get(f"/projects/{quote(project, safe='')}/{view}", **params)

    def ingest(
        self,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        method: str = "POST",
        wait: Callable[[float], None] = time.sleep,
    ) -> httpx.Response:
        """Send a body to an ingest route; a busy server is waited for, as long as it says.

        Raises:
            CommandError: nothing answers, or the server stays busy.
        """
        for attempt in range(RETRIES):
            try:
                response = self._http.request(method, path, content=body, headers=dict(headers))
            except httpx.ConnectError as error:
                raise self._silent(error) from error
            except httpx.HTTPError as error:  # the server may have kept it: sent again, it changes nothing
                if attempt == RETRIES - 1:
                    raise self._silent(error) from error
                wait(min(2.0**attempt, RETRY_MAX_S))
                continue
            if response.status_code not in BUSY:
                return response
            asked = response.headers.get("retry-after", "")
            wait(min(float(asked) if asked.isdigit() else 2.0**attempt, RETRY_MAX_S))
        raise CommandError(f"{self.url} stays busy", hint="run the same command again later: it goes on")

    def live(self, project: str | None, last_id: int | None) -> Iterator[dict[str, Any]]:
        """Events of the live feed until the connection ends; heartbeats come as `{}`.

        Raises:
            CommandError: the server refuses.
            httpx.HTTPError: the connection broke, or fell silent.
        """
        headers = {} if last_id is None else {"last-event-id": str(last_id)}
        params = {} if project is None else {"project": project}
        with self._http.stream(
            "GET", "/everytoken/v1/live", params=params, headers=headers, timeout=httpx.Timeout(10, read=LIVE_TIMEOUT_S)
        ) as response:
            if not response.is_success:
                response.read()
                raise self._problem("GET", "/everytoken/v1/live", response)
            for line in response.iter_lines():
                if line.startswith("data:"):
                    yield json.loads(line[5:])
                elif line.startswith(":"):
                    yield {}

    def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None, /, **params: str | int
    ) -> dict[str, Any]:
        try:
            response = self._http.request(method, path, params=params, json=body)
        except httpx.HTTPError as error:
            raise self._silent(error) from error
        if response.is_success:
            answer: dict[str, Any] = response.json()
            return answer
        raise self._problem(method, path, response)

    def _silent(self, error: httpx.HTTPError) -> CommandError:
        return CommandError(
            f"no answer from {self.url}: {error or type(error).__name__}",
            hint="is `everytoken serve` running there? name another with --url",
        )

    def _problem(self, method: str, path: str, response: httpx.Response) -> CommandError:
        try:
            problem = response.json()
        except ValueError:
            problem = {}
        hint = problem.get("hint")
        if response.status_code == httpx.codes.UNAUTHORIZED and hint is None:
            hint = "set EVERYTOKEN_API_KEY, or give --api-key"
        return CommandError(
            f"{method} {path}: {response.status_code} {problem.get('error', response.reason_phrase)}",
            hint=hint,
            exit_code=1 if response.status_code == httpx.codes.NOT_FOUND else 2,
        )
