"""numpy and pandas, which the engine's wheel asks for, may be missing: the image of the server leaves them out."""

import time
from pathlib import Path

from tests.store.serving import serving
from tests.store.traffic import Traffic

VIEWS = (
    "/projects/lean/summary", "/projects/lean/nodes", "/projects/lean/models", "/projects/lean/distributions",
    "/projects/lean/series?by=model&bucket=hour", "/projects/lean/coverage", "/projects/lean/users",
    "/traces?project=lean", "/charges?project=lean", "/export/runs?project=lean", "/search?project=lean&q=e",
)  # fmt: skip


def test_a_server_without_numpy_and_pandas_takes_runs_and_answers(tmp_path: Path) -> None:
    traffic = Traffic(1, "lean", time.time_ns() // 1000, text_chars=60)
    with serving(tmp_path / "data", program="tests.store.lean_serve") as server:
        runs = traffic.trace(nodes=4)
        headers, data = traffic.body(runs, runs)
        assert server.http.post("/runs/multipart", content=data, headers=headers).status_code == 202
        server.flush()
        for path in VIEWS:
            assert server.http.get(f"/everytoken/v1{path}").status_code == 200, path
        assert server.get("/projects/lean/summary")["llm_calls"] == 4
        queried = server.http.post("/runs/query", json={"session": [], "trace": runs[0].trace_id})
        assert len(queried.json()["runs"]) == 17
        backup = server.http.post("/everytoken/v1/backup", json={"target": str(tmp_path / "backup.tar")})
        assert backup.json()["rows"]["run_versions"] == 17
        assert server.stop() == 0
