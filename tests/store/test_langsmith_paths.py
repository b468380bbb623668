"""Every path that the published Python client can send: answered, or explained, and never a bare 404 or 405."""

import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import langsmith
import pytest
from tests.store.serving import Server, serving

CLIENT = Path(langsmith.__file__).parent
SOME = str(uuid.UUID(int=5))
BY_HAND = {
    # What the client puts together from pieces.
    ("GET", "/datasets"), ("POST", "/datasets/upload"), ("POST", "/v1/platform/datasets/{id}/examples"),
    ("PATCH", "/platform/datasets/{id}/examples/metadata"), ("POST", "/v1/platform/examples/multipart"),
    ("POST", "/annotation-queues/{id}/runs/by-key"), ("GET", "/annotation-queues/{id}/run/0"),
    ("GET", "/public/{id}/run"), ("GET", "/public/{id}/run/{run}"), ("GET", "/public/{id}/examples"),
    ("GET", "/public/{id}/datasets/sessions"), ("GET", "/v1/platform/hub/repos/-/x/directories"),
    ("PUT", "/workspaces/current/secrets/KEY"), ("GET", "/runs/{id}"), ("GET", "/sessions/{id}"),
    ("GET", "/commits/-/x/latest"), ("POST", "/v2/sql/query"),
}  # fmt: skip


def generated() -> Iterator[tuple[str, str]]:
    """Of the half that is made from LangSmith's OpenAPI document."""
    call = re.compile(r'self\._(get|post|put|patch|delete|get_api_list)\(\s*(?:path_template\(\s*)?f?"([^"]+)"')
    for file in (CLIENT / "resources").rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        for found in call.finditer(text):
            method, path = found[1].upper(), found[2]
            if method == "GET_API_LIST":  # the same helper pages over GET and POST
                rest = text[found.end() : found.end() + 3_000]
                posts = re.search(r'method="(\w+)"', rest[: rest.find("\n    def ")])
                method = posts[1].upper() if posts else "GET"
            yield method, path


def handwritten() -> Iterator[tuple[str, str]]:
    text = (CLIENT / "client.py").read_text(encoding="utf-8")
    for pattern, method in (
        (r'request_with_retries\(\s*"(?P<method>\w+)",\s*f?"(?P<path>/[^"]+)"', ""),
        (r'_get_paginated_list\(\s*f?"(?P<path>/[^"]+)"', "GET"),
        (r'_get_cursor_paginated_list\(\s*f?"(?P<path>/[^"]+)"', "POST"),
    ):
        for found in re.finditer(pattern, text):
            yield method or found["method"], found["path"]
    yield from BY_HAND


def filled(path: str) -> str:
    """With an id for each hole, nested brackets and calls included."""
    return re.sub(r"\{(?:[^{}]|\{[^{}]*\})*\}", SOME, path).partition("?")[0]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("paths") / "data") as server:
        yield server


def unexplained(server: Server, method: str, path: str) -> str | None:
    answer = server.http.request(method, path, json=None if method == "GET" else {})
    if answer.status_code not in (404, 405) and answer.status_code < 500:
        return None
    told = answer.json()
    by_id = told.get("field", "").startswith(("path.", "query.", "body."))
    return None if answer.status_code == 404 and (by_id or told.get("remedy")) else f"{method} {path}: {answer.text}"


def test_every_path_of_the_python_client_is_answered_or_explained(server: Server) -> None:
    from_openapi, by_hand = sorted(set(generated())), sorted(set(handwritten()))
    assert len(from_openapi) > 80
    assert len(by_hand) > 60
    asked = [(method, filled(path)) for method, path in (*from_openapi, *by_hand)]
    wrong = [unexplained(server, method, path) for method, path in asked]
    assert [one for one in wrong if one] == []


def test_an_explanation_says_what_to_do_instead(server: Server) -> None:
    for path, what in (
        ("/datasets", "datasets, examples and experiments"),
        ("/api/v1/annotation-queues/x/size", "annotation queues"),
        ("/v1/platform/datasets/x/examples", "datasets, examples and experiments"),
        (f"/sessions/{SOME}/insights", "charts, dashboards and insights"),
        ("/v2/sql/query", "SQL over runs"),
        ("/api/v2/nothing/of/the/kind", "such thing"),
    ):
        for method in ("GET", "POST", "DELETE"):
            answer = server.http.request(method, path)
            assert (answer.status_code, answer.headers["content-type"]) == (404, "application/json")
            told = answer.json()
            assert told["detail"] == f"{method} {path}: this server keeps no {what}"
            assert told["remedy"]
            assert told["docs"] == "docs/reference/langsmith.md"
    assert (Path(__file__).parents[2] / "docs/reference/langsmith.md").is_file()


def test_the_page_lies_beside_what_is_not_kept(server: Server) -> None:
    page = server.http.get("/projects/datasets", headers={"accept": "text/html"})
    assert (page.status_code, page.headers["content-type"].partition(";")[0]) == (200, "text/html")
