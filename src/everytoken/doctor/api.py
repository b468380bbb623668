"""The product API of one server, as the checks ask it."""

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
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

    def ask(
        self, path: str, *, method: str = "GET", body: dict[str, Any] | None = None, **params: str | int
    ) -> dict[str, Any]:
        """What `/everytoken/v1{path}` answers.

        Raises:
            ApiError: see there.
        """
        try:
            answer = self._client.request(
                method, f"{self.url}{PREFIX}{path}", params=params, headers=self._headers, json=body
            )
            told = answer.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise ApiError(f"{self.url}: {type(error).__name__}: {error}") from error
        if not answer.is_success or not isinstance(told, dict):
            said = told.get("error", "") if isinstance(told, dict) else ""
            raise ApiError(f"{path}: {answer.status_code} {said}", answer.status_code)
        return cast("dict[str, Any]", told)

    def clock_skew_s(self, clock: Callable[[], float] = time.time) -> float | None:
        """How far the server's clock is ahead of this one, to a second or two; `None` when it does not tell the time.

        Raises:
            ApiError: nothing answered.
        """
        before = clock()
        try:
            answer = self._client.get(f"{self.url}{PREFIX}/health", headers=self._headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ApiError(f"{self.url}: {type(error).__name__}: {error}") from error
        try:
            told = parsedate_to_datetime(answer.headers["date"]).timestamp()
        except (KeyError, ValueError):
            return None
        return told - (before + clock()) / 2

    def project(self, project: str, view: str) -> dict[str, Any]:
        return self.ask(f"/projects/{quote(project, safe='')}/{view}")
