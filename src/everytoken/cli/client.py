"""The product API as the commands call it, on a local or a remote server."""

from typing import Any
from urllib.parse import quote

import httpx

from everytoken.cli.errors import CommandError

TIMEOUT_S = 30.0  # a flush waits for everything acknowledged before it


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
        """How well the calls of each call path are known, as `query.rows.Coverage` describes it."""
        return self._call("GET", f"/everytoken/v1/projects/{quote(project, safe='')}/coverage")

    def traces(self, project: str, *, limit: int = 50) -> list[dict[str, Any]]:
        """The newest traces of a project, newest first."""
        answer = self._call("GET", "/everytoken/v1/traces", project=project, limit=limit)
        rows: list[dict[str, Any]] = answer["traces"]
        return rows

    def trace(self, trace_id: str) -> dict[str, Any]:
        """One trace as `query.rows.TraceView` describes it."""
        return self._call("GET", f"/everytoken/v1/traces/{quote(trace_id, safe='')}")

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Any route of the product API, with a JSON body."""
        return self._call(method, f"/everytoken/v1{path}", body)

    def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None, /, **params: str | int
    ) -> dict[str, Any]:
        try:
            response = self._http.request(method, path, params=params, json=body)
        except httpx.HTTPError as error:
            raise CommandError(
                f"no answer from {self.url}: {error}",
                hint="is `everytoken serve` running there? name another with --url",
            ) from error
        if response.is_success:
            answer: dict[str, Any] = response.json()
            return answer
        try:
            problem = response.json()
        except ValueError:
            problem = {}
        raise CommandError(
            f"{method} {path}: {response.status_code} {problem.get('error', response.reason_phrase)}",
            hint=problem.get("hint"),
            exit_code=1 if response.status_code == httpx.codes.NOT_FOUND else 2,
        )
