"""`everytoken keys` and `users` on a data folder, and through the server that uses it."""

import json
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.ports import free_port
from tests.store.serving import environment, serving

OURS = "/everytoken/v1"


def everytoken(*arguments: str, stdin: str = "", **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "everytoken.cli", *arguments],
        input=stdin, capture_output=True, text=True, env=environment() | variables, timeout=60, check=False,
    )  # fmt: skip


def test_keys_are_made_in_a_folder_and_open_the_server_that_uses_it(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    made = everytoken("keys", "create", "me", "--scope", "admin", "--scope", "read", "--data", data)
    assert made.returncode == 0, made.stderr
    text = made.stdout.strip()
    assert text.startswith("et_")
    user = everytoken("users", "add", "minji", "--data", data, stdin="correct horse battery\n")
    assert user.returncode == 0, user.stderr
    with serving(tmp_path / "data") as server:
        assert server.http.get(f"{OURS}/projects").status_code == 401
        assert server.http.get(f"{OURS}/projects", headers={"x-api-key": text}).status_code == 200
        through = ("--url", server.url)
        refused = everytoken("keys", "list", *through)
        assert refused.returncode == 2
        assert "asks for a key" in refused.stderr
        key = {"EVERYTOKEN_API_KEY": text}
        app = everytoken(
            "keys", "create", "app", "--project", "shop", "--expires-in-days", "3", "--json", *through, **key
        )
        row = json.loads(app.stdout)["key"]
        assert (row["scopes"], row["projects"]) == (["ingest"], ["shop"])
        assert row["expires_us"] - row["created_us"] == pytest.approx(3 * 86_400_000_000, abs=60_000_000)
        gone = everytoken("keys", "revoke", f"et_{row['key_id']}", *through, **key)
        assert gone.returncode == 0, gone.stderr
        listed = json.loads(everytoken("keys", "list", "--json", *through, **key).stdout)
        assert {one["name"]: one["revoked_us"] is not None for one in listed} == {"app": True, "me": False}
        assert [one["name"] for one in json.loads(everytoken("users", "list", "--json", *through, **key).stdout)] == [
            "minji"
        ]
    left = everytoken("keys", "list", "--data", data)
    assert "revoked" in left.stdout
    assert text.split("_", 2)[2] not in left.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("keys", "create", "x", "--scope", "everything"), "no scope 'everything'"),
        (("keys", "create", " "), "name: a key needs a name"),
        (("keys", "revoke", "et_nope"), "no key 'nope'"),
        (("users", "remove", "nobody"), "no user 'nobody'"),
        (("users", "add", "minji"), "password: a password has"),
    ],
)
def test_what_cannot_be_is_told(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    refused = everytoken(*arguments, "--data", str(tmp_path / "data"), stdin="short\n")
    assert refused.returncode in (1, 2)
    assert said in refused.stderr


def test_a_key_given_by_a_setting_makes_the_others_and_spans_over_grpc_need_one(tmp_path: Path) -> None:
    given, port = "k" * 32, free_port()
    with serving(tmp_path / "data", EVERYTOKEN_ADMIN_KEY=given, EVERYTOKEN_OTLP_GRPC_PORT=str(port)) as server:
        admin = {"x-api-key": given}
        keys = {
            scope: server.http.post(f"{OURS}/keys", json={"name": scope, "scopes": [scope]}, headers=admin).json()[
                "text"
            ]
            for scope in ("ingest", "read")
        }
        assert server.http.get(f"{OURS}/keys").status_code == 401
        assert server.http.get(f"{OURS}/keys", headers={"x-api-key": "k" * 31}).status_code == 401
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            export = channel.unary_unary(
                "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
                request_serializer=ExportTraceServiceRequest.SerializeToString,
            )

            def code(*metadata: tuple[str, str]) -> grpc.StatusCode:
                try:
                    export(ExportTraceServiceRequest(), metadata=metadata, timeout=10)
                except grpc.RpcError as error:
                    return error.code()
                return grpc.StatusCode.OK

            assert code() == grpc.StatusCode.UNAUTHENTICATED
            assert code(("x-api-key", "et_wrong_one")) == grpc.StatusCode.UNAUTHENTICATED
            assert code(("x-api-key", keys["read"])) == grpc.StatusCode.PERMISSION_DENIED
            assert code(("x-api-key", keys["ingest"])) == grpc.StatusCode.OK
            assert code(("authorization", f"Bearer {keys['ingest']}")) == grpc.StatusCode.OK
