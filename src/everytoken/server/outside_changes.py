"""What changes without a request: retention and keys that the environment sets, and the price file.

The audit log tells of them when the server first sees them, from what it saw last to what it sees now.
"""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from everytoken.config import Settings
from everytoken.store.audit import MAX_VALUE_CHARS
from everytoken.store.control import Control

ACTOR = "setting"
KIND = "seen_outside"


def note_settings(control: Control, settings: Settings) -> None:
    """Tell the log what the environment says otherwise than at the last start.

    Raises:
        StoreError: the control data cannot be reached.
    """
    days = {name: getattr(settings, name) for name in ("content_retention_days", "charge_retention_days")}
    _note(control, "retention.setting", "all projects", days)
    _note(control, "key.setting", "EVERYTOKEN_ADMIN_KEY", {"key_id": control.keys.given_id})


def note_prices(control: Control, file: Path | None) -> None:
    """Tell the log that the price file says something else than when it was last read; a file that is away, nothing.

    Raises:
        StoreError: the control data cannot be reached.
    """
    if file is None:
        told: dict[str, Any] = {"file": None, "sha256": None, "toml": None}
    elif file.is_file():
        text = file.read_bytes()
        toml = text[: MAX_VALUE_CHARS // 2].decode("utf-8", "replace")
        told = {"file": str(file), "sha256": sha256(text).hexdigest(), "toml": toml}
    else:
        return
    _note(control, "price.file", "EVERYTOKEN_PRICES", told)


def _note(control: Control, action: str, subject: str, now: Mapping[str, Any]) -> None:
    before = control.annotations.get(KIND, action)
    if before == now or (before is None and not any(now.values())):
        return
    # In this order: cut short between the two it tells the change again at the next look, and never not at all.
    control.audit.record(ACTOR, action, subject, before, now)
    control.annotations.put(KIND, action, now)
