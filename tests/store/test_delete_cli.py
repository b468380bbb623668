"""`everytoken delete` against a running server with keys: what it asks, what goes, what stays, and what it says."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from tests.store.serving import Server, environment, serving

TRACES = {name: f"01a20500-0000-7000-8000-00000000000{number}" for number, name in enumerate(("one", "two", "three"))}


@dataclass(frozen=True)
class World:
    server: Server
    keys: dict[str, str]

    def delete(self, *arguments: str, key: str = "admin") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "everytoken.cli", "delete", *arguments, "--url", self.server.url],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
            env=environment() | ({"EVERYTOKEN_API_KEY": self.keys[key]} if key else {}),
        )  # fmt: skip

    def typed(self, answer: str, *arguments: str) -> tuple[int, str]:
        """Exit code and output, with the answer typed at a terminal."""
        ours, theirs = pty.openpty()
        os.write(ours, answer.encode())
        try:
            done = subprocess.run(
                [sys.executable, "-m", "everytoken.cli", "delete", *arguments, "--url", self.server.url],
                stdin=theirs, capture_output=True, text=True, timeout=60, check=False,
                env=environment() | {"EVERYTOKEN_API_KEY": self.keys["admin"]},
            )  # fmt: skip
        finally:
            os.close(ours)
            os.close(theirs)
        return done.returncode, done.stdout + done.stderr

    def summary(self) -> tuple[int, int]:
        told = self.server.get("/projects/shop/summary")
        return told["traces"], told["total_tokens"]

    def users(self) -> dict[str | None, int]:
        return {row["key"]: row["total_tokens"] for row in self.server.get("/projects/shop/users")["groups"]}


def call(trace_id: str, user: str) -> dict[str, object]:
    usage = {"input_tokens": 47, "output_tokens": 12, "total_tokens": 59}
    return {
        "id": trace_id, "trace_id": trace_id, "dotted_order": f"20261122T120000000000Z{trace_id}",
        "name": "model", "run_type": "llm", "session_name": "shop",
        "start_time": "2026-11-22T12:00:00Z", "end_time": "2026-11-22T12:00:01Z",
        "inputs": {"question": "PET"}, "outputs": {"usage_metadata": usage},
        "extra": {"metadata": {"ls_provider": "openai", "ls_model_name": "gpt-5.2", "user_id": user}},
    }  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    data = tmp_path_factory.mktemp("delete") / "data"
    with serving(data) as server:
        runs = [call(TRACES["one"], "minji"), call(TRACES["two"], "minji"), call(TRACES["three"], "민수/1")]
        assert server.http.post("/runs/batch", json={"post": runs}).status_code == 202
        server.flush()
        keys: dict[str, str] = {}
        for name, scopes in (("admin", ["admin"]), ("reader", ["read"])):
            made = server.http.post(
                "/everytoken/v1/keys",
                json={"name": name, "scopes": scopes},
                headers={"x-api-key": keys.get("admin", "")},
            )
            keys[name] = made.json()["text"]
        server.http.headers["x-api-key"] = keys["reader"]
        yield World(server, keys)


def test_nothing_goes_without_a_yes_a_key_or_a_trace(world: World) -> None:
    trace = ("--trace", TRACES["one"], "--project", "shop")
    for done, code, says in (
        (world.delete(*trace), 2, "--yes deletes without asking"),
        (world.delete(*trace, "--yes", key="reader"), 2, "admin"),
        (world.delete(*trace, "--yes", key=""), 2, "asks for a key"),
        (world.delete("--project", "shop", "--yes"), 2, "give --user ID or --trace ID"),
        (world.delete(*trace, "--user", "minji", "--yes"), 2, "one of them"),
        (world.delete(*trace, "--charges", "--yes"), 2, "goes with --user"),
        (world.delete("--trace", TRACES["one"], "--project", "other", "--yes"), 1, "no project"),
    ):
        assert (done.returncode, done.stdout) == (code, ""), done.stderr
        assert says in done.stderr
    code, said = world.typed("n\n", *trace)
    assert code == 1
    assert "It cannot be undone" in said
    assert "nothing was deleted" in said
    assert world.summary() == (3, 177)


def test_a_trace_goes_with_its_charges_and_a_person_without_theirs(world: World) -> None:
    code, said = world.typed("y\n", "--trace", TRACES["one"], "--project", "shop")
    assert (code, "deleted 1 trace of shop with its charges and 0 attachments" in said) == (0, True)
    assert world.summary() == (2, 118)
    assert world.delete("--trace", TRACES["one"], "--project", "shop", "--yes").returncode == 1

    erased = world.delete("--user", "민수/1", "--project", "shop", "--yes", "--json")
    assert json.loads(erased.stdout) == {
        "project": "shop", "traces": 1, "charges": "kept", "attachments": 0, "is_more": False,
    }  # fmt: skip
    assert world.users() == {"minji": 59, None: 59}
    gone = world.delete("--user", "minji", "--project", "shop", "--charges", "-y")
    assert gone.stdout == "erased minji from 1 trace of shop, with 0 attachments; charges deleted\n"
    assert world.users() == {None: 59}
    nobody = world.delete("--user", "nobody", "--project", "shop", "--yes")
    assert (nobody.returncode, nobody.stdout) == (
        0, "erased nobody from 0 traces of shop, with 0 attachments; charges kept\n",
    )  # fmt: skip
