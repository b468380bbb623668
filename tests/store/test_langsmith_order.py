"""What is said of one run in any order, twice, and to one process after the other, against real servers."""

import json
import signal
from pathlib import Path
from typing import Any

from tests.store.serving import Server, serving

ROOT, CALL = "01a204f2-8c53-7543-9601-000000000001", "01a204f2-8c53-7543-9601-000000000002"
ORDER = f"20261122T120000000000Z{ROOT}"
USAGE = {"usage_metadata": {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}}
AGENT = {
    "id": ROOT, "trace_id": ROOT, "dotted_order": ORDER, "name": "agent", "run_type": "chain", "session_name": "order",
    "start_time": "2026-11-22T12:00:00+00:00", "inputs": {"q": 1},
}  # fmt: skip
MODEL = {
    "id": CALL, "trace_id": ROOT, "parent_run_id": ROOT, "dotted_order": f"{ORDER}.20261122T120001000000Z{CALL}",
    "name": "model", "run_type": "llm", "session_name": "order", "start_time": "2026-11-22T12:00:01+00:00",
    "extra": {"metadata": {"ls_provider": "openai", "ls_model_name": "gpt-5.2"}}, "inputs": {"q": 1},
}  # fmt: skip


def send(server: Server, *operations: tuple[str, dict[str, Any]], boundary: str = "b") -> None:
    """As the SDKs do: each attempt of a client has a boundary of its own, each repetition has the same."""
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{kind}.{run["id"]}"\r\n'
        f"Content-Type: application/json\r\n\r\n{json.dumps(run)}\r\n"
        for kind, run in operations
    ]
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    answer = server.http.post("/runs/multipart", content="".join([*parts, f"--{boundary}--\r\n"]), headers=headers)
    assert (answer.status_code, answer.json()["message"]) in ((202, "accepted"), (202, "already received"))


def update(server: Server, run_id: str, **fields: Any) -> None:
    assert server.http.patch(f"/runs/{run_id}", json=fields).status_code == 202


def read(server: Server, run_id: str) -> tuple[str, int, Any, Any]:
    server.flush()
    run = server.http.get(f"/runs/{run_id}").json()
    return run["status"], run["total_tokens"], run["outputs"], run["end_time"]


def tokens(server: Server) -> tuple[int, int, int]:
    summary = server.get("/projects/order/summary")
    return summary["runs"], summary["llm_calls"], summary["total_tokens"]


def test_runs_are_whole_in_any_order_across_processes_and_counted_once(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as first:
        update(first, CALL, outputs=USAGE, end_time="2026-11-22T12:00:03Z")  # says neither its trace nor its order
        send(first, ("post", AGENT))
        first.stop(signal.SIGKILL)

    with serving(tmp_path / "data") as second:
        send(second, ("patch", {"id": CALL, "tags": ["a"]}), ("post", MODEL))
        assert read(second, CALL) == ("success", 15, USAGE, "2026-11-22T12:00:03")
        assert read(second, ROOT) == ("pending", 15, None, None)
        second.stop()

    with serving(tmp_path / "data") as third:  # both are known to the ledger alone
        for boundary in ("b", "c", "c"):
            send(third, ("post", AGENT), ("post", MODEL), boundary=boundary)
        update(third, ROOT, outputs={"answer": 47}, end_time=1_795_348_804_250.5)
        assert read(third, ROOT) == ("success", 15, {"answer": 47}, "2026-11-22T12:00:04.250500")
        assert read(third, CALL) == ("success", 15, USAGE, "2026-11-22T12:00:03")
        update(third, CALL, error="ValueError()")
        assert read(third, CALL) == ("error", 15, USAGE, "2026-11-22T12:00:03")
        more = {"usage_metadata": {"input_tokens": 20, "output_tokens": 5, "total_tokens": 25}}
        update(third, CALL, outputs=more)
        assert read(third, CALL) == ("error", 25, more, "2026-11-22T12:00:03")
        assert tokens(third) == (2, 1, 25)


def test_a_run_sent_to_two_projects_is_counted_once_where_it_came_first(tmp_path: Path) -> None:
    """Replicas of langsmith 0.4.43 have the ids of the original, and bodies may pass each other on the way."""
    elsewhere = [{**run, "session_name": "copy"} for run in (AGENT, MODEL)]
    end = {"id": CALL, "trace_id": ROOT, "outputs": USAGE, "end_time": "2026-11-22T12:00:03Z"}
    with serving(tmp_path / "data") as server:
        send(server, ("post", AGENT), ("post", elsewhere[0]), ("post", elsewhere[1]))
        server.flush()
        send(server, ("post", MODEL), ("patch", {**end, "session_name": "order"}), boundary="c")
        server.flush()
        send(server, ("patch", {**end, "session_name": "copy"}), ("post", elsewhere[0]), boundary="d")
        assert read(server, CALL)[:2] == ("success", 15)
        assert tokens(server) == (1, 0, 0)
        copied = server.get("/projects/copy/summary")
        assert (copied["runs"], copied["llm_calls"], copied["total_tokens"]) == (1, 1, 15)
        whole = server.get(f"/traces/{ROOT}")
        assert [run["run_id"] for run in whole["runs"]] == [ROOT, CALL]
        assert [charge["total_tokens"] for charge in whole["charges"]] == [15]
