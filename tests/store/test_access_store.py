"""Keys, users, sessions, settings and the audit log on a real file."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from everytoken.config import Settings
from everytoken.store.control import Control
from everytoken.store.keys import KeyRefusedError, Scope
from everytoken.store.project_settings import ProjectSettings, SettingError
from everytoken.store.users import UserError

READ = frozenset({Scope.READ})


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    opened = Control.open(Settings(data=tmp_path))
    yield opened
    opened.close()


def test_a_key_is_found_by_its_text_and_by_nothing_that_is_stored(control: Control, tmp_path: Path) -> None:
    key, text = control.keys.create("ci", [Scope.INGEST], projects=["shop"], created_by="cli")
    assert control.keys.find(text) == key
    assert text.startswith(f"{key.prefix}_")
    assert len(text) > len(key.prefix) + 40
    assert control.keys.find(text[:-1]) is None
    assert control.keys.find(f"{key.prefix}_") is None
    assert control.keys.find("") is None
    with sqlite3.connect(tmp_path / "control.db") as raw:
        stored = str(raw.execute("SELECT * FROM api_keys").fetchall())
    raw.close()
    assert text.removeprefix(f"{key.prefix}_") not in stored
    assert key.key_id in stored


def test_a_revoked_key_is_none_at_once_and_after_a_restart(control: Control, tmp_path: Path) -> None:
    key, text = control.keys.create("ci", [Scope.READ], created_by="cli")
    assert control.keys.revoke(key.key_id) is not None
    assert control.keys.find(text) is None
    assert control.keys.live(key.key_id) is None
    assert control.is_guarded
    again = Control.open(Settings(data=tmp_path))
    assert again.keys.find(text) is None
    assert [known.revoked_us is not None for known in again.keys.listed()] == [True]
    again.close()


def test_a_key_that_another_server_revoked_is_none_after_the_next_refresh(control: Control, tmp_path: Path) -> None:
    key, text = control.keys.create("ci", [Scope.READ], created_by="cli")
    other = Control.open(Settings(data=tmp_path))
    assert other.keys.find(text) == key
    control.keys.revoke(key.key_id)
    other.keys.refresh()
    assert other.keys.find(text) is None
    other.close()


def test_a_key_expires_at_its_time(control: Control) -> None:
    now_us = [1_000_000]
    control.keys._clock_us = lambda: now_us[0]
    _key, text = control.keys.create("ci", [Scope.READ], expires_us=2_000_000, created_by="cli")
    assert control.keys.find(text) is not None
    now_us[0] = 2_000_000
    assert control.keys.find(text) is None


def test_when_a_key_was_used_is_kept(control: Control, tmp_path: Path) -> None:
    control.keys._clock_us = lambda: 5_000_000_000
    key, _text = control.keys.create("ci", [Scope.READ], created_by="cli")
    control.keys.used(key.key_id)
    control.keys.refresh()
    again = Control.open(Settings(data=tmp_path))
    assert [known.last_used_us for known in again.keys.listed()] == [5_000_000_000]
    again.close()


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("name", {"name": " "}),
        ("name", {"name": "x" * 201}),
        ("scopes", {"scopes": []}),
        ("projects", {"projects": []}),
        ("expires", {"expires_us": 1}),
        ("requests_per_minute", {"requests_per_minute": 0}),
    ],
)
def test_a_key_that_cannot_be_is_refused_by_its_field(control: Control, field: str, wrong: dict[str, object]) -> None:
    given: dict[str, object] = {"name": "ci", "scopes": [Scope.READ], "created_by": "cli"}
    with pytest.raises(KeyRefusedError) as refused:
        control.keys.create(**{**given, **wrong})  # type: ignore[arg-type]  # the table above is of plain values
    assert refused.value.field == field
    assert control.keys.listed() == []


def test_a_password_is_kept_as_argon2_and_checked(control: Control, tmp_path: Path) -> None:
    before, user = control.users.put("minji", "correct horse battery", READ)
    assert before is None
    assert control.users.check("minji", "correct horse battery") == user
    assert control.users.check("minji", "correct horse batterz") is None
    assert control.users.check("nobody", "correct horse battery") is None
    with sqlite3.connect(tmp_path / "control.db") as raw:
        assert raw.execute("SELECT hash FROM users").fetchone()[0].startswith("$argon2id$")
    raw.close()


def test_a_new_password_ends_the_logins_made_with_the_old_one(control: Control) -> None:
    control.users.put("minji", "correct horse battery", READ)
    cookie, _session = control.users.open_session(user="minji")
    other, _session = control.users.open_session(key_id="abc")
    assert control.users.session(cookie) is not None
    control.users.put("minji", "another horse battery", READ)
    assert control.users.session(cookie) is None
    assert control.users.session(other) is not None


def test_a_login_ends_by_logout_by_removal_and_after_a_week(control: Control, tmp_path: Path) -> None:
    now_us = [1_000_000]
    control.users._clock_us = lambda: now_us[0]
    control.users.put("minji", "correct horse battery", READ)
    first, _session = control.users.open_session(user="minji")
    second, _session = control.users.open_session(user="minji")
    control.users.close_session(first)
    assert control.users.session(first) is None
    assert control.users.session(second) is not None
    now_us[0] += 7 * 86_400_000_000
    assert control.users.session(second) is None
    third, _session = control.users.open_session(user="minji")
    control.users.remove("minji")
    assert control.users.session(third) is None
    with sqlite3.connect(tmp_path / "control.db") as raw:
        assert raw.execute("SELECT count(*) FROM sessions").fetchone() == (0,)
    raw.close()


@pytest.mark.parametrize(
    ("field", "name", "password", "scopes"),
    [
        ("name", "", "correct horse battery", READ),
        ("name", "a\nb", "correct horse battery", READ),
        ("password", "minji", "short", READ),
        ("scopes", "minji", "correct horse battery", frozenset({Scope.INGEST})),
    ],
)
def test_a_user_that_cannot_be_is_refused_by_its_field(
    control: Control, field: str, name: str, password: str, scopes: frozenset[Scope]
) -> None:
    with pytest.raises(UserError) as refused:
        control.users.put(name, password, scopes)
    assert refused.value.field == field


def test_settings_are_kept_by_project_and_forgotten_with_it(control: Control, tmp_path: Path) -> None:
    project = control.ensure_project("shop", 1)
    wanted = ProjectSettings("Asia/Seoul", 30, 400, ("email",), ("주문-\\d+",))
    assert control.settings.get(project.project_id) == ProjectSettings()
    control.settings.put(project.project_id, wanted, 2)
    again = Control.open(Settings(data=tmp_path))
    assert again.settings.get(project.project_id) == wanted
    again.close()
    control.delete_project(project)
    assert control.settings.get(project.project_id) == ProjectSettings()


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("time_zone", ProjectSettings(time_zone="Mars/Olympus")),
        ("time_zone", ProjectSettings(time_zone="../../etc/passwd")),
        ("content_retention_days", ProjectSettings(content_retention_days=0)),
        ("charge_retention_days", ProjectSettings(charge_retention_days=36_501)),
        ("content_retention_days", ProjectSettings(charge_retention_days=30)),
        ("content_retention_days", ProjectSettings(content_retention_days=31, charge_retention_days=30)),
        ("mask_patterns", ProjectSettings(mask_patterns=("x",) * 101)),
    ],
)
def test_settings_that_cannot_be_are_refused_by_their_field(
    control: Control, field: str, wrong: ProjectSettings
) -> None:
    with pytest.raises(SettingError) as refused:
        control.settings.put("p", wrong, 1)
    assert refused.value.field == field


def test_the_audit_log_pages_newest_first_and_can_be_narrowed(control: Control) -> None:
    for number in range(5):
        control.audit.record("cli", "key.create", f"k{number}", None, {"name": str(number)})
    control.audit.record("user:minji", "settings.change", "shop", {"time_zone": "UTC"}, {"time_zone": "Asia/Seoul"})
    newest = control.audit.page(limit=2)
    assert [entry.subject for entry in newest] == ["shop", "k4"]
    assert newest[0].before == {"time_zone": "UTC"}
    older = control.audit.page(limit=2, before_id=newest[-1].entry_id)
    assert [entry.subject for entry in older] == ["k3", "k2"]
    assert [entry.subject for entry in control.audit.page(limit=9, action="settings")] == ["shop"]
    assert [entry.subject for entry in control.audit.page(limit=9, subject="k1")] == ["k1"]
    assert control.audit.page(limit=9, action="set") == []


def test_the_audit_log_is_bounded(control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("everytoken.store.audit.MAX_ENTRIES", 3)
    monkeypatch.setattr("everytoken.store.audit.PRUNE_EVERY", 5)
    for number in range(10):
        control.audit.record("cli", "key.create", f"k{number}", None, {"long": "x" * 30_000})
    kept = control.audit.page(limit=100)
    assert [entry.subject for entry in kept] == ["k9", "k8", "k7"]
    assert len(str(kept[0].after)) < 20_000
