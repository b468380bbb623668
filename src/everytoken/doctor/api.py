"""The product API of one server, as the checks ask it."""

from typing import Any, cast
from urllib.parse import quote

import httpx

PREFIX = "/everytoken/v1"


class ApiError(Exception):
    """No answer, or a refusal; `status` is `None` when nothing answered."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class Api:
    def __init__(self, client: httpx.Client, url: str, *, api_key: str | None = None) -> None:
        self.url = url.rstrip("/")
        self._client = client
        self._headers = {"x-api-key": api_key} if api_key else {}

    def ask(self, path: str, *, method: str = "GET", **params: str | int) -> dict[str, Any]:
        """What `/everytoken/v1{path}` answers.

        Raises:
            ApiError: see there.
        """
        try:
            answer = self._client.request(method, f"{self.url}{PREFIX}{path}", params=params, headers=self._headers)
            body = answer.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise ApiError(f"{self.url}: {type(error).__name__}: {error}") from error
        if not answer.is_success or not isinstance(body, dict):
            said = body.get("error", "") if isinstance(body, dict) else ""
            raise ApiError(f"{path}: {answer.status_code} {said}", answer.status_code)
        return cast("dict[str, Any]", body)

    def project(self, project: str, view: str) -> dict[str, Any]:
        return self.ask(f"/projects/{quote(project, safe='')}/{view}")
