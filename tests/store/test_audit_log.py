"""Every change of a key, a price, a budget or a retention is in the audit log: who, when, from what to what."""

import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.store.serving import Server, serving

from everytoken.config import Settings
from everytoken.server.app import create_app
from everytoken.server.outside_changes import note_settings
from everytoken.server.scopes import served
from everytoken.store.control import Control
from everytoken.store.errors import StoreUnavailableError

OURS = "/everytoken/v1"
TOML = """[[price]]
provider = "openai"
models = ["gpt-imagined"]
rates = {{ input_mtok = {0} }}
source = "https://example.com/prices"
checked = 2026-11-01
"""
FILE = f"version = 1\n{TOML}"
BUDGET = {"name": "budget", "kind": "budget", "window": "month", "limit": "100"}
MAP = {"name": "m", "match_pattern": "m", "prompt_cost": "0.000001", "completion_cost": "0.000002"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path / "data") as running:
        running.http.post("/sessions", json={"name": "shop"})
        yield running


def ask(server: Server, method: str, path: str, body: Any = None, key: str = "") -> Any:
    answer = server.http.request(method, path, json=body, headers={"x-api-key": key} if key else {})
    assert answer.is_success, answer.text
    return answer.json()


def log_of(server: Server, key: str = "", **asked: str) -> list[dict[str, Any]]:
    """The oldest first."""
    answer = server.http.get(f"{OURS}/audit", params={"limit": 500, **asked}, headers={"x-api-key": key} if key else {})
    assert answer.is_success, answer.text
    entries: list[dict[str, Any]] = answer.json()["entries"]
    return entries[::-1]


def test_each_change_is_logged_with_who_and_when_and_from_what_to_what(server: Server) -> None:
    began_us = time.time_ns() // 1000
    alerts, overrides = f"{OURS}/projects/shop/alerts", f"{OURS}/prices/overrides/imagined"
    made = ask(server, "POST", f"{OURS}/keys", {"name": "boss", "scopes": ["admin", "read", "ingest"]})
    boss, actor = made["text"], f"key:{made['key']['key_id']}"
    other = ask(server, "POST", f"{OURS}/keys", {"name": "app", "projects": ["shop"]}, boss)["key"]["key_id"]
    ask(server, "DELETE", f"{OURS}/keys/{other}", key=boss)
    ask(server, "DELETE", f"{OURS}/keys/{other}", key=boss)  # nothing changes twice
    rule = ask(server, "POST", alerts, BUDGET, boss)["rule"]["rule_id"]
    ask(server, "PUT", f"{alerts}/{rule}", {**BUDGET, "limit": "250.5"}, boss)
    ask(server, "DELETE", f"{alerts}/{rule}", key=boss)
    for dollars in (1, 2):
        ask(server, "PUT", overrides, {"toml": TOML.format(dollars)}, boss)
    ask(server, "DELETE", overrides, key=boss)
    price = ask(server, "POST", "/model-price-map", MAP, boss)["id"]
    ask(server, "PUT", f"/model-price-map/{price}", {**MAP, "prompt_cost": "0.000003"}, boss)
    ask(server, "DELETE", f"/model-price-map/{price}", key=boss)
    settings = f"{OURS}/projects/shop/settings"
    ask(server, "PATCH", settings, {"content_retention_days": 30, "charge_retention_days": 400}, boss)
    ask(server, "PATCH", settings, {"content_retention_days": 7}, boss)
    ask(server, "PATCH", settings, {"content_retention_days": 7}, boss)  # nothing changes twice

    entries = log_of(server, boss)
    assert [(one["actor"], one["action"], one["subject"]) for one in entries] == [
        ("local", "key.create", made["key"]["key_id"]),
        (actor, "key.create", other), (actor, "key.revoke", other),
        (actor, "alert.create", rule), (actor, "alert.change", rule), (actor, "alert.delete", rule),
        (actor, "price.override", "imagined"), (actor, "price.override", "imagined"),
        (actor, "price.remove", "imagined"),
        (actor, "price.map", price), (actor, "price.map", price), (actor, "price.unmap", price),
        (actor, "settings.change", "shop"), (actor, "settings.change", "shop"),
    ]  # fmt: skip
    ended_us = time.time_ns() // 1000
    assert all(began_us <= one["at_us"] <= ended_us for one in entries)
    assert [one["entry_id"] for one in entries] == sorted(one["entry_id"] for one in entries)

    def moves(action: str, name: str) -> list[tuple[Any, Any]]:
        return [
            tuple(None if side is None else side[name] for side in (one["before"], one["after"]))  # type: ignore[misc]
            for one in entries
            if one["action"] == action
        ]

    assert [(before is None, after is None) for before, after in moves("key.revoke", "revoked_us")] == [(True, False)]
    assert moves("key.create", "projects") == [(None, None), (None, ["shop"])]
    assert moves("alert.create", "limit") == [(None, "100")]
    assert moves("alert.change", "limit") == [("100", "250.5")]
    assert moves("alert.delete", "limit") == [("250.5", None)]
    assert moves("price.override", "toml") == [(None, TOML.format(1)), (TOML.format(1), TOML.format(2))]
    assert moves("price.remove", "toml") == [(TOML.format(2), None)]
    assert moves("price.map", "prompt_cost") == [(None, "0.000001"), ("0.000001", "0.000003")]
    assert moves("price.unmap", "prompt_cost") == [("0.000003", None)]
    assert moves("settings.change", "content_retention_days") == [(None, 30), (30, 7)]
    assert moves("settings.change", "charge_retention_days") == [(None, 400), (400, 400)]
    assert boss.split("_", 2)[2] not in json.dumps(entries)


def test_what_is_shown_to_everybody_or_deleted_is_logged_whichever_api_it_was_asked_of(server: Server) -> None:
    traces = [str(uuid.uuid4()) for _ in range(2)]
    for trace in traces:
        run = {"id": trace, "trace_id": trace, "name": "n", "run_type": "chain", "session_name": "shop",
               "start_time": "2026-11-22T12:00:00Z", "end_time": "2026-11-22T12:00:01Z",
               "extra": {"metadata": {"thread_id": "t"}}}  # fmt: skip
        assert server.http.post("/runs", json=run).status_code == 202
    server.flush()
    shop = next(row["id"] for row in server.http.get("/sessions").json() if row["name"] == "shop")
    share = ask(server, "PUT", f"/runs/{traces[0]}/share", {})["share_token"]
    ask(server, "PUT", f"/runs/{traces[0]}/share", {})  # it is shown already
    ask(server, "DELETE", f"/runs/{traces[0]}/share")
    again = ask(server, "POST", f"/v2/runs/{traces[0]}/share", {})["share_token"]
    assert server.http.delete(f"/v2/runs/{traces[0]}/share").status_code == 204
    thread = ask(server, "POST", "/v2/threads/t/share", {"project_id": shop})["share_token"]
    assert server.http.delete("/v2/threads/t/share", params={"project_id": shop}).status_code == 204
    ask(server, "POST", "/runs/delete", {"session_id": shop, "trace_ids": traces[:1]})
    ask(server, "DELETE", f"{OURS}/traces/{traces[1]}?project=shop")
    ask(server, "PATCH", f"{OURS}/projects/shop/settings", {"content_retention_days": 9, "charge_retention_days": 9})
    ask(server, "DELETE", f"/sessions/{shop}")

    entries = log_of(server)
    assert [(one["actor"], one["action"], one["subject"]) for one in entries] == [
        ("local", "share.create", traces[0]), ("local", "share.remove", traces[0]),
        ("local", "share.create", traces[0]), ("local", "share.remove", traces[0]),
        ("local", "share.create", "t"), ("local", "share.remove", "t"),
        ("local", "data.delete", "shop"), ("local", "data.delete", "shop"),
        ("local", "settings.change", "shop"), ("local", "project.delete", "shop"),
    ]  # fmt: skip
    assert entries[0]["after"] == {"project": "shop"}
    assert entries[6]["after"]["trace_ids"] == traces[:1]
    assert (entries[9]["before"]["charge_retention_days"], entries[9]["after"]) == (9, None)
    assert not [token for token in (share, again, thread) if token in json.dumps(entries)]


def test_what_the_environment_and_the_price_file_change_is_logged_when_it_is_seen(tmp_path: Path) -> None:
    data, prices = tmp_path / "data", tmp_path / "prices.toml"
    prices.write_text(FILE.format(1))
    first, second = "the-first-key-from-outside", "the-second-key-from-outside"
    with serving(data) as server:
        assert log_of(server) == []
    given = {"EVERYTOKEN_ADMIN_KEY": first, "EVERYTOKEN_PRICES": str(prices), "EVERYTOKEN_CONTENT_RETENTION_DAYS": "30"}
    for _ in range(2):  # the second start changes nothing
        with serving(data, **given) as server:
            entries = log_of(server, first)
            assert [(one["actor"], one["action"]) for one in entries] == [
                ("setting", "retention.setting"), ("setting", "key.setting"), ("setting", "price.file"),
            ]  # fmt: skip
            assert entries[0]["before"] is None
            assert entries[0]["after"] == {"content_retention_days": 30, "charge_retention_days": None}
            assert entries[2]["after"]["toml"] == FILE.format(1)
            assert first not in json.dumps(entries)
    changed = {**given, "EVERYTOKEN_ADMIN_KEY": second, "EVERYTOKEN_CONTENT_RETENTION_DAYS": "7"}
    with serving(data, **changed) as server:
        prices.write_text(FILE.format(2))
        until = time.monotonic() + 30
        while len(entries := log_of(server, second)) < 6 and time.monotonic() < until:
            time.sleep(0.5)
    assert [one["action"] for one in entries[3:]] == ["retention.setting", "key.setting", "price.file"]
    kept = [(one["before"], one["after"]) for one in entries[3:]]
    assert [side["content_retention_days"] for side in kept[0]] == [30, 7]
    assert kept[1][0]["key_id"] != kept[1][1]["key_id"]
    assert [side["toml"] for side in kept[2]] == [FILE.format(1), FILE.format(2)]


@pytest.mark.parametrize(("part", "write"), [("audit", "record"), ("annotations", "put")])
def test_a_change_from_outside_is_told_though_the_disk_was_full_when_it_was_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str, write: str
) -> None:
    def full(*_: Any) -> None:
        raise StoreUnavailableError("the disk is full")

    settings = Settings(data=tmp_path, content_retention_days=30)
    control = Control.open(settings)
    with monkeypatch.context() as patched:
        patched.setattr(getattr(control, part), write, full)
        with pytest.raises(StoreUnavailableError):
            note_settings(control, settings)
    note_settings(control, settings)
    entries = control.audit.page(limit=10)
    control.close()
    assert {(one.action, one.after["content_retention_days"]) for one in entries} == {("retention.setting", 30)}


async def test_no_route_writes_to_the_log_or_takes_from_it(tmp_path: Path) -> None:
    app = create_app(Settings(data=tmp_path / "data"))
    async with app.router.lifespan_context(app):
        found = {route for route in served(app.routes) if "audit" in route[1].split("/")}
    assert found == {("GET", f"{OURS}/audit")}
