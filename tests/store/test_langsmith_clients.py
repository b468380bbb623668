"""The published `langsmith` clients, of today and of a year ago, send in all their ways to a real server: everything
arrives, and they have nothing to complain of."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.docs.stand_in import NPM_LANGSMITH
from tests.store.langsmith_sends import PHOTO
from tests.store.serving import Server, environment, serving

HERE = Path(__file__).parent
UV = str(Path(sys.executable).with_name("uv"))
YEAR_OLD = {"python": "langsmith==0.4.43", "javascript": "langsmith@0.3.80"}
"""Of 2025-11-19, on PyPI and npm."""
JS_PHOTO = bytes(place * 7 % 256 for place in range(16_384))
TRACED = [("agent", "success"), ("ask", "success"), ("fails", "error"), ("look", "success"), ("stream", "success")]
WAYS = ("compressed", "batch", "single", "buffered", "hidden", "sampled", "by hand", "async")
JS_WAYS = ("batched", "single", "manual", "hidden", "sampled", "blocking")
WITHOUT_PHOTO = ("batch", "single", "js single")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path / "data") as started:
        yield started


def year_old_python(folder: Path) -> str:
    """An interpreter that has that release and what it needs, and nothing of ours."""
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True, timeout=60)
    python = str(folder / "bin/python")
    install = [UV, "pip", "install", "--quiet", "--python", python, YEAR_OLD["python"]]
    subprocess.run(install, check=True, timeout=200)
    return python


def run(*command: str, **variables: str) -> dict[str, Any]:
    """What the application told on stdout. It said nothing on stderr, where warnings and the SDKs' logs go."""
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment() | variables, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def traces(server: Server, project: str) -> list[list[dict[str, Any]]]:
    """The runs of each trace, in the order of their names."""
    ids = [trace["trace_id"] for trace in server.get("/traces", project=project, limit=100)["traces"]]
    return [sorted(server.get(f"/traces/{one}")["runs"], key=lambda run: run["name"]) for one in ids]


def read(server: Server, run_id: str) -> dict[str, Any]:
    """As LangSmith's API answers it."""
    answer = server.http.get(f"/runs/{run_id}")
    assert answer.status_code == 200, answer.text
    run: dict[str, Any] = answer.json()
    return run


def named(server: Server, project: str, name: str) -> dict[str, Any]:
    """The run of that name in the first trace of the project."""
    found = next(run for run in traces(server, project)[0] if run["name"] == name)
    return read(server, found["run_id"])


def check_whole(server: Server, project: str, *, photo: bytes, least: int = 1, most: int = 1) -> None:
    """The project holds whole traces of the application, each of two calls of 15 tokens."""
    wanted = [one for one in TRACED if project not in WITHOUT_PHOTO or one[0] != "look"]
    found = traces(server, project)
    assert least <= len(found) <= most, project
    for runs in found:
        check_tree(runs, wanted)
    check_photo(server, found[0], photo)
    check_sums(server, [project], traces=len(found))


def check_counted_once(server: Server, *projects: str, photo: bytes) -> None:
    """Copies had the ids of their original a year ago, and bodies leave side by side: each run is where it came first.

    The whole trace is told whichever of the projects is asked, and the projects together count it once.
    """
    held = [row["project"] for row in server.get("/projects")["projects"] if row["project"] in projects]
    assert held
    for name in held:
        for runs in traces(server, name):
            check_tree(runs, TRACED)
            check_photo(server, runs, photo)
    check_sums(server, held, traces=1)


def check_tree(runs: list[dict[str, Any]], wanted: list[tuple[str, str]]) -> None:
    assert [(run["name"], run["status"]) for run in runs] == wanted
    assert {run["parent_run_id"] for run in runs if run["name"] != "agent"} == {runs[0]["run_id"]}
    failed = next(run for run in runs if run["name"] == "fails")
    assert "강남역" in failed["error"]
    assert [run["flags"] for run in runs] == [[]] * len(runs)


def check_photo(server: Server, runs: list[dict[str, Any]], photo: bytes) -> None:
    for look in (run for run in runs if run["name"] == "look"):
        kept = read(server, look["run_id"])["s3_urls"]["attachment.photo"]
        assert kept["mime_type"] == "image/png"
        assert server.http.get(kept["presigned_url"]).content == photo


def check_sums(server: Server, projects: list[str], *, traces: int) -> None:
    """Two calls of 15 tokens a trace, each of them exact, in all of the projects together."""
    told = [server.get(f"/projects/{project}/summary") for project in projects]
    assert sum(one["llm_calls"] for one in told) == 2 * traces
    assert sum(one["total_tokens"] for one in told) == 30 * traces
    assert sum(one["quality"]["exact"] for one in told) == 2 * traces


def check_nothing_rejected(server: Server, *, repeated: int = 0) -> None:
    """At most so many pieces were sent again, and everything was taken."""
    counts = server.http.get("/metrics").text
    for name in ("rejected", "refused", "dropped"):
        assert f"everytoken_ingest_{name}_total 0.0" in counts, name
    assert any(f"everytoken_ingest_duplicates_total {most}.0" in counts for most in range(repeated + 1))


@pytest.mark.parametrize("release", ["today", "a year ago"])
def test_the_python_client_sends_in_all_its_ways_without_a_warning(
    server: Server, tmp_path: Path, release: str
) -> None:
    python = sys.executable if release == "today" else year_old_python(tmp_path / "venv")
    app = (python, "-W", "always", str(HERE / "langsmith_sends.py"), server.url)
    told = run(*app, *WAYS)
    plain = run(*app, "plain", LANGSMITH_DISABLE_RUN_COMPRESSION="true")
    assert told["version"].startswith("0.15." if release == "today" else "0.4.4")
    server.flush()

    for way in ("compressed", "batch", "single", "buffered", "hidden", "plain"):
        check_whole(server, way, photo=PHOTO)
    check_whole(server, "sampled", photo=PHOTO, least=1, most=39)
    (by_hand,) = traces(server, "by hand")
    assert [(run["name"], run["status"]) for run in by_hand] == [("agent", "success"), ("ask", "success")]
    assert server.get("/projects/by hand/summary")["total_tokens"] == 15
    assert server.get("/projects/async/summary")["total_tokens"] == 15
    check_content(server, told["roots"])
    for way, feedback_id in (told["feedback"] | plain["feedback"]).items():
        check_feedback(server, feedback_id, (told["roots"] | plain["roots"])[way][0])
    check_nothing_rejected(server)

    run(*app, "copied")
    server.flush()
    if release == "today":
        check_whole(server, "copied", photo=PHOTO)
        check_whole(server, "copied too", photo=PHOTO)
        check_nothing_rejected(server)
    else:  # the photo comes twice for one run: a repetition, where both are at hand at once
        check_counted_once(server, "copied", "copied too", photo=PHOTO)
        check_nothing_rejected(server, repeated=1)


def check_content(server: Server, roots: dict[str, list[str]]) -> None:
    root = read(server, roots["compressed"][0])
    assert root["inputs"] == {"question": "hello", "with_photo": True}
    assert root["outputs"] == {"root": root["id"], "big": 2.0**70, "nan": None, "nul": "a\x00b", "half": ""}
    assert (root["tags"], root["extra"]["metadata"]["thread_id"]) == (["a"], "t-1")
    hidden = named(server, "hidden", "ask")
    assert hidden["inputs"] == {}
    assert set(hidden["outputs"]) == {"usage_metadata"}
    assert read(server, roots["by hand"][0])["tags"] == ["late"]


def check_feedback(server: Server, feedback_id: str, run_id: str) -> None:
    told = server.http.get(f"/feedback/{feedback_id}").json()
    assert (told["run_id"], told["key"], told["score"], told["value"]) == (run_id, "good", 0.5, {"a": 1})
    assert (told["comment"], told["feedback_source"]["type"]) == ("so-so", "model")
    source = told["feedback_source"]["metadata"]["__run"]
    assert source["run_id"] == "00000000-0000-0000-0000-000000000007"


@pytest.mark.parametrize(
    ("package", "version"), [(NPM_LANGSMITH, "0.12.0"), (YEAR_OLD["javascript"], "0.3.80")], ids=["today", "a year ago"]
)
def test_the_javascript_client_sends_in_all_its_ways_without_a_warning(
    server: Server, tmp_path: Path, package: str, version: str
) -> None:
    install = ["npm", "install", "--no-save", "--no-audit", "--no-fund", "--silent", "--prefer-offline", package]
    subprocess.run(install, cwd=tmp_path, check=True, timeout=120)
    told = run("node", str(HERE / "langsmith_sends.mjs"), str(tmp_path), server.url, *JS_WAYS)
    assert told["version"] == version
    server.flush()

    for way in ("batched", "single", "manual", "hidden", "blocking"):
        check_whole(server, f"js {way}", photo=JS_PHOTO)
    check_whole(server, "js sampled", photo=JS_PHOTO, least=1, most=39)
    root = named(server, "js batched", "agent")
    assert root["inputs"] == {"input": "강남역에서 버릴 곳? 🧴"}
    assert root["outputs"] == {"a": 1, "nul": "a\x00b", "half": "\ufffd"}
    assert root["end_time"] is not None
    check_nothing_rejected(server)
