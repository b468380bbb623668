"""Feedback that comes among runs, against a real server: all of it is there for whoever reads next, and soon."""

import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.store.serving import Server, serving

MANY = 1_000
"""As many as one body may hold. Looked up one by one they took half a minute."""
RUN = "01a204f2-8c53-7543-9601-000000000001"


def parts(told: list[tuple[str, dict[str, Any]]]) -> str:
    each = (
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n'
        f"Content-Type: application/json\r\n\r\n{json.dumps(body)}\r\n"
        for name, body in told
    )
    return "".join(each) + "--b--\r\n"


def send(server: Server, *told: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = server.http.post("/runs/multipart", content=parts(list(told)), headers=headers)
    assert answer.status_code == 202, answer.text
    message: dict[str, Any] = answer.json()
    return message


def counted(server: Server, **asked: Any) -> int:
    """How many there are, by their pages of 100."""
    found = 0
    while page := server.http.get("/feedback", params={**asked, "offset": found, "limit": 100}).json():
        found += len(page)
    return found


def test_much_feedback_is_there_for_all_who_read_next(tmp_path: Path) -> None:
    run = {"id": RUN, "trace_id": RUN, "name": "chat", "session_name": "rated", "start_time": "2026-11-22T12:00:00Z"}
    wrong = str(uuid.uuid4())
    told: list[tuple[str, dict[str, Any]]] = [
        (f"feedback.{uuid.uuid4()}", {"key": "good", "score": 1, "run_id": RUN if n % 2 else str(uuid.uuid4())})
        for n in range(MANY)
    ]
    with serving(tmp_path / "data") as server:
        send(server, (f"post.{RUN}", run))
        server.flush()
        answer = send(server, *told, (f"feedback.{wrong}", {"key": "good", "run_id": RUN}))
        assert [one["part"] for one in answer["rejected"]] == [f"feedback.{wrong}"]
        server.flush()

        began_s = time.monotonic()
        with ThreadPoolExecutor(4) as readers:
            assert set(readers.map(lambda _: counted(server, run=RUN), range(4))) == {MANY // 2}
        assert time.monotonic() - began_s < 20
        assert counted(server, key="good") == MANY
        (session,) = server.http.get("/sessions", params={"name": "rated"}).json()
        one = server.http.get("/feedback", params={"run": RUN, "limit": 1}).json()[0]
        assert (one["session_id"], one["trace_id"], one["score"]) == (session["id"], RUN, 1.0)
