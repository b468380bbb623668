"""Rules, charges and receivers for the tests of alerts. Times are written as the wall clock of Seoul shows them."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.store import samples

from everytoken.alerts.rules import Rule, Target, checked
from everytoken.core.charge import Charge
from everytoken.store.control import Control
from everytoken.store.project_settings import ProjectSettings

SEOUL = ZoneInfo("Asia/Seoul")


def kst(text: str) -> int:
    """UTC microseconds of `2026-11-23 00:01` in Seoul."""
    return int(datetime.fromisoformat(text).replace(tzinfo=SEOUL).timestamp()) * 1_000_000


def wall(at_us: int, zone: ZoneInfo = SEOUL) -> str:
    return datetime.fromtimestamp(at_us / 1e6, zone).strftime("%Y-%m-%d %H:%M")


def control_at(folder: Path, *, zone: str = "Asia/Seoul") -> Control:
    """Control data with the project `shop`; opening them again is a restart."""
    return set_up(Control(f"sqlite:///{folder / 'control.db'}"), zone)


def set_up(control: Control, zone: str = "Asia/Seoul") -> Control:
    project = control.ensure_project("shop", 1)
    control.settings.put(project.project_id, ProjectSettings(time_zone=zone), 1)
    return control


def rule(kind: Any = "cost", window: Any = "day", limit: str = "1", **more: Any) -> Rule:
    known: dict[str, Any] = {"rule_id": str(uuid.uuid4()), "project": "shop", "name": "watch", **more}
    if kind == "budget":
        known.setdefault("levels", (50, 80, 100))
    return checked(Rule(kind=kind, window=window, limit=Decimal(limit), **known))


def target(kind: Any, address: str, secret: str = "") -> Target:
    return Target(target_id=str(uuid.uuid4()), kind=kind, address=address, secret=secret)


def spent(at: str, usd: str | None = "0.40", **more: Any) -> Charge:
    """A charge that started at a moment of Seoul's clock."""
    return samples.charge(str(uuid.uuid4()), usd, started_us=kst(at), **more)


@dataclass
class Receiver:
    """A web server that keeps what it is sent, and answers as told: each status once, then 200."""

    url: str
    statuses: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"ok"


@contextmanager
def receiving() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            held.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(held.statuses.pop(0) if held.statuses else 200)
            for name, value in held.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(held.body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    held = Receiver(f"http://127.0.0.1:{server.server_address[1]}/hook?token=hidden")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield held
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class MailBox:
    url: str
    got: list[tuple[str, list[str], Message]] = field(default_factory=list)
    refuse: list[str] = field(default_factory=list)
    """Answers to give instead of taking the mail, each once."""


@contextmanager
def mailing() -> Iterator[MailBox]:
    """A real SMTP server."""
    from aiosmtpd.controller import Controller
    from aiosmtpd.handlers import Message as MessageHandler
    from aiosmtpd.smtp import SMTP, Envelope, Session

    class Keep(MessageHandler):
        def handle_message(self, message: Message) -> None:
            box.got.append((str(message["x-mailfrom"]), str(message["x-rcptto"]).split(", "), message))

        async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
            self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
        ) -> str:
            if box.refuse:
                return box.refuse.pop(0)
            envelope.rcpt_tos.append(address)
            return "250 OK"

    from tests.ports import free_port

    controller = Controller(Keep(), hostname="127.0.0.1", port=free_port())
    box = MailBox(f"smtp://127.0.0.1:{controller.port}")
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
