"""A backup taken while the server works, and what a restore makes of it: the same totals, or nothing at all."""

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import threading
import uuid
from pathlib import Path

import pytest
from tests.store.serving import Server, environment, serving

from everytoken.config import Settings
from everytoken.store.backup import restore
from everytoken.store.clickhouse import embedded
from everytoken.store.errors import FolderError, StoreError

START = "2026-11-22T12:00:00.000001Z"


def call(server: Server, tokens: int, **metadata: str) -> None:
    run_id = str(uuid.uuid4())
    usage = {"input_tokens": tokens, "output_tokens": 0, "total_tokens": tokens}
    wire = {"id": run_id, "trace_id": run_id, "name": "chat", "run_type": "llm", "start_time": START}
    ended = {"end_time": "2026-11-22T12:00:01Z", "outputs": {"usage_metadata": usage}, "session_name": "shop"}
    told = {"extra": {"metadata": metadata}, "inputs": {}}
    assert server.http.post("/runs", json={**wire, **ended, **told}).status_code == 202


def command(*arguments: str) -> "subprocess.CompletedProcess[str]":
    program = [sys.executable, "-m", "everytoken.cli", *arguments]
    return subprocess.run(program, capture_output=True, text=True, env=environment(), check=False, timeout=120)


def test_a_backup_of_a_busy_server_restores_to_everything_it_had_accepted(tmp_path: Path) -> None:
    target, restored = tmp_path / "backup.tar", tmp_path / "restored"
    with serving(tmp_path / "data") as server:
        for _ in range(20):
            call(server, 10)
        server.http.post("/feedback", json={"key": "nps", "run_id": str(uuid.uuid4()), "score": 1})
        server.flush()
        before = server.get("/projects/shop/summary")
        stop = threading.Event()

        def work() -> None:
            while not stop.is_set():
                call(server, 1)

        busy = threading.Thread(target=work)
        busy.start()
        made = command("backup", str(target), "--data", str(tmp_path / "data"), "--url", server.url, "--json")
        stop.set()
        busy.join()
        assert made.returncode == 0, made.stderr
        server.flush()
        after = server.get("/projects/shop/summary")
        again = command("backup", str(target), "--data", str(tmp_path / "data"), "--url", server.url)
        assert again.returncode != 0
        assert "is there already" in again.stderr

    assert command("restore", str(target), "--data", str(restored)).returncode == 0
    with serving(restored) as server:
        server.flush()
        found = server.get("/projects/shop/summary")
        assert before["total_tokens"] == 200
        assert 200 <= found["total_tokens"] <= after["total_tokens"]
        assert found["llm_calls"] - 20 == found["total_tokens"] - 200
        assert len(server.http.get("/feedback").json()) == 1
        call(server, 5)
        server.flush()
        assert server.get("/projects/shop/summary")["total_tokens"] == found["total_tokens"] + 5


ANSWERS = (
    "/everytoken/v1/projects", "/everytoken/v1/projects/shop/summary", "/everytoken/v1/projects/shop/nodes",
    "/everytoken/v1/projects/shop/models", "/everytoken/v1/projects/shop/coverage",
    "/everytoken/v1/projects/shop/settings",
    "/everytoken/v1/traces?project=shop", "/everytoken/v1/charges?project=shop", "/everytoken/v1/audit",
    "/everytoken/v1/projects/shop/alerts", "/sessions", "/feedback", "/info",
)  # fmt: skip


def test_a_restored_server_gives_the_answers_of_the_one_that_was_copied(tmp_path: Path) -> None:
    """Ledger, control data, attachments, what waits in the journal, and what was deleted and must not come back."""
    kept, gone = str(uuid.uuid4()), str(uuid.uuid4())
    late = {"trace_id": gone, "end_time": "2026-11-22T12:00:01Z", "outputs": {"usage_metadata": {"input_tokens": 9}}}

    def answers(server: Server) -> list[object]:
        (where,) = server.http.get(f"/runs/{kept}").json()["s3_urls"].values()
        asked = [server.http.get(path) for path in ANSWERS]
        assert [answer.status_code for answer in asked] == [200] * len(ANSWERS)
        return [*(answer.json() for answer in asked), server.http.get(where["presigned_url"]).content]

    with serving(tmp_path / "data") as server:
        wire = {"name": "chat", "run_type": "llm", "start_time": START, "session_name": "shop", "inputs": {"q": "hi"}}
        named = {"extra": {"metadata": {"ls_provider": "openai", "ls_model_name": "gpt-5.2", "user_id": "kim"}}}
        for run_id in (kept, gone):
            given = json.dumps({"run_id": run_id, "key": "nps", "score": 1})
            parts: dict[str, tuple[None, str | bytes, str]] = {
                f"post.{run_id}": (
                    None,
                    json.dumps({**wire, **named, "id": run_id, "trace_id": run_id}),
                    "application/json",
                ),
                f"attachment.{run_id}.photo": (None, b"\x89PNG" + run_id.encode(), "image/png; length=40"),
                f"feedback.{uuid.uuid4()}": (None, given, "application/json"),
            }
            assert server.http.post("/runs/multipart", files=parts).status_code == 202
        call(server, 10, revision_id="1.4.2")
        server.flush()
        settings = {"content_retention_days": 30_000, "charge_retention_days": 36_000}
        assert server.http.patch("/everytoken/v1/projects/shop/settings", json=settings).status_code == 200
        assert server.http.delete(f"/everytoken/v1/traces/{gone}", params={"project": "shop"}).status_code == 200
        before = answers(server)
        made = command("backup", str(tmp_path / "backup"), "--data", str(tmp_path / "data"), "--url", server.url)
        assert made.returncode == 0, made.stderr
    assert command("restore", str(tmp_path / "backup"), "--data", str(tmp_path / "restored")).returncode == 0

    with serving(tmp_path / "restored") as server:
        for path, was, found in zip((*ANSWERS, "attachment"), before, answers(server), strict=True):
            assert found == was, path
        assert server.http.patch(f"/runs/{gone}", json=late).status_code == 202
        server.flush()
        assert server.http.get(f"/runs/{gone}").status_code == 404
        assert server.get("/projects/shop/summary")["llm_calls"] == 2


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup, made while no server ran, of one call of 10 tokens."""
    folder = tmp_path_factory.mktemp("made")
    with serving(folder / "data") as server:
        call(server, 10, revision_id="1.4.2")
        server.flush()
    done = command("backup", str(folder / "backup"), "--data", str(folder / "data"), "--json")
    assert done.returncode == 0, done.stderr
    manifest = json.loads(done.stdout)
    assert manifest["rows"]["charge_versions"] == 1
    assert manifest == json.loads((folder / "backup" / "manifest.json").read_text())
    return folder / "backup"


def test_what_was_copied_at_rest_restores_to_the_same_totals(made: Path, tmp_path: Path) -> None:
    restore(Settings(data=tmp_path / "data"), made)
    with serving(tmp_path / "data") as server:
        assert server.get("/projects/shop/summary")["total_tokens"] == 10
        (release,) = server.get("/projects/shop/releases")["releases"]
        assert (release["release"], release["total_tokens"]) == ("1.4.2", 10)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_backup_of_an_older_schema_restores_to_the_columns_of_this_one(made: Path, tmp_path: Path) -> None:
    older = shutil.copytree(made, tmp_path / "older")
    held = older / "charge_versions.native.zst"
    (tmp_path / "engine").mkdir()
    client = embedded(Settings(data=tmp_path), tmp_path / "engine")()
    client.command(
        f"INSERT INTO FUNCTION file('{tmp_path}/of_4.native.zst', 'Native') "
        f"SELECT * EXCEPT (release) FROM file('{held}', 'Native')"
    )
    client.close()
    (tmp_path / "of_4.native.zst").replace(held)
    manifest = json.loads((older / "manifest.json").read_text())
    manifest["ledger_schema"] = 4
    manifest["sha256"][held.name] = hashlib.sha256(held.read_bytes()).hexdigest()
    (older / "manifest.json").write_text(json.dumps(manifest))

    restore(Settings(data=tmp_path / "data"), older)
    with serving(tmp_path / "data") as server:
        (charge,) = server.get("/charges", project="shop")["charges"]
        assert (charge["input_tokens"], charge["call_path"], charge["release"]) == (10, "unknown.unknown", None)


def test_a_folder_that_holds_something_is_left_alone(made: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("mine")
    with pytest.raises(FolderError, match="is not empty"):
        restore(Settings(data=tmp_path), made)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


@pytest.mark.parametrize("file", ["control.db", "journal.db", "charge_versions.native.zst"])
def test_a_damaged_backup_is_refused_and_leaves_nothing(made: Path, tmp_path: Path, file: str) -> None:
    broken = shutil.copytree(made, tmp_path / "broken")
    content = bytearray((broken / file).read_bytes())
    content[len(content) // 2] ^= 1
    (broken / file).write_bytes(content)

    with pytest.raises(FolderError, match=f"damaged: {file} is not as it was written"):
        restore(Settings(data=tmp_path / "data"), broken)
    assert not (tmp_path / "data").exists()


def test_an_incomplete_a_newer_and_a_foreign_backup_are_refused(made: Path, tmp_path: Path) -> None:
    without = shutil.copytree(made, tmp_path / "without")
    (without / "run_versions.native.zst").unlink()
    newer = shutil.copytree(made, tmp_path / "newer")
    manifest = json.loads((newer / "manifest.json").read_text())
    (newer / "manifest.json").write_text(json.dumps({**manifest, "ledger_schema": 99}))
    (tmp_path / "text.tar").write_text("no archive")
    hostile = tmp_path / "hostile.tar"
    with tarfile.open(hostile, "w") as tar:
        tar.add(made / "manifest.json", "../../escaped")

    for source, said in (
        (without, "damaged: run_versions"),
        (newer, "newer everytoken"),
        (tmp_path / "text.tar", "is no backup"),
        (tmp_path / "absent", "is no backup"),
        (hostile, "is no backup"),
    ):
        with pytest.raises(FolderError, match=said):
            restore(Settings(data=tmp_path / "data"), source)
    assert not (tmp_path / "data").exists()
    assert not (tmp_path.parent / "escaped").exists()


def test_a_backup_with_a_link_is_refused_be_it_a_folder_or_a_file(made: Path, tmp_path: Path) -> None:
    """What a link leads to would become an attachment, which the page serves."""
    secret = tmp_path / "secret"
    secret.write_text("of this machine")
    linked = shutil.copytree(made, tmp_path / "linked")
    (linked / "attachments/aa").mkdir(parents=True, exist_ok=True)
    (linked / "attachments/aa" / ("a" * 64)).symlink_to(secret)
    archive = tmp_path / "linked.tar"
    with tarfile.open(archive, "w") as tar:
        for path in sorted(linked.rglob("*")):
            tar.add(path, path.relative_to(linked).as_posix(), recursive=False)
    inside = shutil.copytree(made, tmp_path / "inside")
    (inside / "control.db").rename(inside / "other.db")
    (inside / "control.db").symlink_to("other.db")

    for source, said in ((linked, "holds a link"), (archive, "is no backup"), (inside, "holds a link")):
        with pytest.raises(FolderError, match=said):
            restore(Settings(data=tmp_path / "data"), source)
    assert not (tmp_path / "data").exists()


def test_data_in_clickhouse_or_postgresql_are_theirs_to_back_up(made: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="make their own backups") as raised:
        restore(Settings(data=tmp_path / "data", database_url="postgresql://u@h/d"), made)
    assert "docs/scale.md" in (raised.value.hint or "")
