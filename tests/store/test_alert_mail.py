"""Mail through a server that demands encryption and a login, as those of mail providers do."""

import ipaddress
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.header import decode_header, make_header
from pathlib import Path
from typing import Any, Literal

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.ports import free_port
from tests.store.alert_world import SEOUL, kst, rule, target

from everytoken.alerts import messages
from everytoken.alerts.sending import Outcome, Sender

NOW_US = kst("2026-11-22 10:01")


@dataclass
class Postbox:
    """What a mail server took, and who logged in; `(user, password, encrypted)`."""

    port: int
    subjects: list[str] = field(default_factory=list)
    logins: list[tuple[bytes, bytes, bool]] = field(default_factory=list)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificate and key of 127.0.0.1, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "mail.pem"
    file.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return file


@contextmanager
def posting(certificate: Path, scheme: str) -> Iterator[Postbox]:
    """A real SMTP server that takes mail of `alerts` with the password `p@ss word` alone, and that encrypted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    box = Postbox(free_port())

    class Keep(MessageHandler):
        def handle_message(self, message: Any) -> None:
            box.subjects.append(str(make_header(decode_header(message["subject"]))))

    def authenticate(_server: SMTP, session: Session, _envelope: Envelope, _how: str, told: Any) -> AuthResult:
        assert isinstance(told, LoginPassword)
        encrypted = session.ssl is not None or scheme == "smtps"
        box.logins.append((told.login, told.password, encrypted))
        return AuthResult(success=told.password == b"p@ss word", handled=False)

    asked: dict[str, Any] = {"hostname": "127.0.0.1", "port": box.port, "authenticator": authenticate}
    if scheme == "smtps":  # it takes TLS that was there from the beginning for none, and would offer no login
        controller = Controller(Keep(), ssl_context=context, auth_require_tls=False, **asked)
    else:
        controller = Controller(Keep(), tls_context=context, require_starttls=True, auth_required=True, **asked)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


def sent(box: Postbox, login: str, scheme: str = "smtp", language: Literal["en", "ko"] = "en") -> Outcome:
    """What becomes of a trial of an alert."""
    sender = Sender(
        base_url="https://tokens.example.com",
        allowed_hosts=frozenset(),
        smtp_url=f"{scheme}://{login}127.0.0.1:{box.port}",
        smtp_from="alerts@example.com",
        language=language,
    )
    told = messages.trial(rule(), "an-event", NOW_US, SEOUL)
    return sender.send(target("email", "team@example.com"), told, NOW_US)


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system trusts the certificate, as an administrator makes it do."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_mail_goes_encrypted_and_logged_in(certificate: Path, scheme: str) -> None:
    with posting(certificate, scheme) as box:
        assert sent(box, "alerts:p%40ss%20word@", scheme) == Outcome()
    assert box.logins == [(b"alerts", b"p@ss word", True)]
    assert box.subjects == ["[everytoken] Test: watch (shop)"]


@pytest.mark.usefixtures("trusted")
def test_a_mail_is_in_the_language_of_the_setting(certificate: Path) -> None:
    with posting(certificate, "smtp") as box:
        assert sent(box, "alerts:p%40ss%20word@", language="ko") == Outcome()
    assert box.subjects == ["[everytoken] 시험: watch (shop)"]


@pytest.mark.usefixtures("trusted")
def test_a_wrong_password_is_told_and_not_tried_again(certificate: Path) -> None:
    with posting(certificate, "smtp") as box:
        outcome = sent(box, "alerts:guess@")
    assert (outcome.error or "").startswith("refused: 535 ")
    assert (outcome.final, box.subjects) == (True, [])


@pytest.mark.usefixtures("trusted")
def test_a_server_that_demands_a_login_says_so(certificate: Path) -> None:
    with posting(certificate, "smtp") as box:
        outcome = sent(box, "")
    assert (outcome.error or "").startswith("refused: 530 ")
    assert (outcome.final, box.logins) == (True, [])


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_server_whose_certificate_nobody_vouches_for_gets_no_password(certificate: Path, scheme: str) -> None:
    with posting(certificate, scheme) as box:
        outcome = sent(box, "alerts:p%40ss%20word@", scheme)
    assert "CERTIFICATE_VERIFY_FAILED" in (outcome.error or "")
    assert (outcome.final, box.logins, box.subjects) == (False, [], [])
