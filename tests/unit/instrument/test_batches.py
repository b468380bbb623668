"""What goes over the wire for a batch of runs, and which of them count as lost."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import langsmith
import pytest
import requests

from everytoken.instrument.batches import send_runs
from everytoken.wire.langsmith import decode_multipart
from everytoken.wire.multipart import boundary_of

RUN = UUID("01900000-0000-7000-8000-000000000001")


class Server(requests.Session):
    """Stands for the connection: answers with the given statuses, then 202."""

    def __init__(self, *statuses: int) -> None:
        super().__init__()
        self.statuses = list(statuses)
        self.requests: list[tuple[str, dict[str, Any]]] = []

    def request(self, method: str | bytes, url: str | bytes, *_: Any, **options: Any) -> requests.Response:
        self.requests.append((str(url), options))
        response = requests.Response()
        response.status_code = self.statuses.pop(0) if self.statuses else 202
        response._content = b"{}"
        return response


def client_of(server: Server, **options: Any) -> langsmith.Client:
    return langsmith.Client(
        api_url="http://runs.test",
        api_key="k",
        session=server,
        auto_batch_tracing=False,
        info={"version": "0.15.0"},
        **options,
    )


def post() -> dict[str, Any]:
    return {
        "id": RUN,
        "trace_id": RUN,
        "dotted_order": f"20261123T000000000000Z{RUN}",
        "name": "ChatOpenAI",
        "run_type": "llm",
        "start_time": datetime(2026, 11, 23, tzinfo=UTC),
        "inputs": {"messages": [{"role": "user", "content": "비밀"}]},
        "outputs": {"choices": []},
        "extra": {"metadata": {"ls_provider": "openai"}},
    }


def test_a_run_arrives_whole_with_its_key_and_environment() -> None:
    server = Server()
    assert send_runs(client_of(server), [post()], []) == 0
    ((url, options),) = server.requests
    assert (url, options["headers"]["x-api-key"]) == ("http://runs.test/runs/multipart", "k")
    decoded = decode_multipart(options["data"], boundary_of(options["headers"]["Content-Type"]), 0)
    (operation,) = decoded.operations
    assert (operation.run_id, operation.kind, decoded.rejections) == (str(RUN), "post", ())
    assert b'"runtime"' in options["data"]
    assert "비밀".encode() in options["data"]


def test_what_the_client_hides_stays_hidden() -> None:
    server = Server()
    send_runs(client_of(server, hide_inputs=True), [post()], [])
    assert "비밀".encode() not in server.requests[0][1]["data"]


@pytest.mark.parametrize(("statuses", "sent", "lost"), [((500, 500), 3, 0), ((500, 500, 500), 3, 1), ((422,), 1, 1)])
def test_a_batch_is_lost_when_the_server_keeps_refusing_it(statuses: tuple[int, ...], sent: int, lost: int) -> None:
    server = Server(*statuses)
    assert send_runs(client_of(server), [post()], []) == lost
    assert len(server.requests) == sent


def test_runs_that_the_server_has_already_are_not_lost() -> None:
    assert send_runs(client_of(Server(409)), [post()], []) == 0


def test_a_server_without_the_multipart_route_gets_the_older_one() -> None:
    server = Server(404, 404)
    assert send_runs(client_of(server), [post()], []) == 0
    assert [url.removeprefix("http://runs.test") for url, _ in server.requests] == [
        "/runs/multipart", "/runs/multipart", "/runs/batch",
    ]  # fmt: skip
    assert "비밀".encode() in server.requests[-1][1]["data"]
