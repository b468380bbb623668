"""Sends one alert to one target, once: a signed webhook, Slack's format, or a mail."""

import asyncio
import hashlib
import hmac
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

import httpx
import orjson

from everytoken.alerts import korean, messages
from everytoken.alerts.hosts import HostRefusedError, HostUnknownError, Resolver, checked_address, resolve
from everytoken.alerts.rules import Target

TIMEOUT_S = 10.0
"""Of a connection, a read and a write each."""
TOTAL_S = 15.0
MAX_ANSWER_BYTES = 4_096
"""What is read of an answer: enough for the reason of a refusal."""
SIGNATURE = "everytoken-signature"
EVENT = "everytoken-event"
RETRIED = frozenset({408, 425, 429})
MAX_RETRY_AFTER_S = 3_600


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt."""

    error: str | None = None
    """`None`: it arrived."""
    final: bool = False
    """Whether trying again cannot help."""
    retry_s: int | None = None
    """When the receiver asks to be tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    base_url: str
    """Of the page, for links."""
    allowed_hosts: frozenset[str]
    smtp_url: str | None
    smtp_from: str
    language: Literal["en", "ko"] = "en"
    resolver: Resolver = resolve

    def send(self, target: Target, body: Mapping[str, Any], now_us: int) -> Outcome:
        """Try once. Nothing that a receiver does raises here."""
        told = messages.with_links(body, self.base_url)
        if self.language == "ko":
            told["text"] = korean.sentence(body)
        try:
            if target.kind == "email":
                return self._mail(target, told, now_us)
            return self._post(target, told, now_us)
        except HostRefusedError as error:
            return Outcome(str(error), final=True)
        except HostUnknownError as error:
            return Outcome(str(error))

    @property
    def _labels(self) -> messages.Labels:
        return korean.LABELS if self.language == "ko" else messages.ENGLISH

    def _post(self, target: Target, told: Mapping[str, Any], now_us: int) -> Outcome:
        host, address, port = checked_address(target.address, self.allowed_hosts, self.resolver)
        content = orjson.dumps(messages.slack(told, self._labels) if target.kind == "slack" else told)
        parts = urlsplit(target.address)
        headers = {
            "host": parts.netloc.rpartition("@")[2],
            "content-type": "application/json",
            "user-agent": "everytoken",
            EVENT: str(told["id"]),
        }
        if target.kind == "webhook":
            headers[SIGNATURE] = signature(target.secret, content, now_us // 1_000_000)
        try:
            url = httpx.URL(target.address).copy_with(host=address, port=port)
            request = httpx.Request("POST", url, content=content, headers=headers, extensions={"sni_hostname": host})
            return asyncio.run(_exchange(request))
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            return Outcome(f"{type(error).__name__}: {error}".removesuffix(": "))

    def _mail(self, target: Target, told: Mapping[str, Any], now_us: int) -> Outcome:
        if self.smtp_url is None:
            return Outcome("no mail server: set EVERYTOKEN_SMTP_URL", final=True)
        message = messages.mail(told, sender=self.smtp_from, to=target.address, now_us=now_us, labels=self._labels)
        try:
            _hand_over(self.smtp_url, message)
        except smtplib.SMTPRecipientsRefused as error:
            code, reason = next(iter(error.recipients.values()))
            return Outcome(f"refused: {code} {_text(reason)}", final=code >= 500)
        except smtplib.SMTPResponseException as error:
            return Outcome(f"refused: {error.smtp_code} {_text(error.smtp_error)}", final=error.smtp_code >= 500)
        except (OSError, smtplib.SMTPException) as error:
            return Outcome(f"{type(error).__name__}: {error}")
        return Outcome()


def signature(secret: str, content: bytes, at_s: int) -> str:
    """`t=<Unix seconds>,v1=<hex>`: HMAC-SHA256 over the seconds, a dot and the body, keyed by the target's secret."""
    digest = hmac.new(secret.encode(), f"{at_s}.".encode() + content, hashlib.sha256).hexdigest()
    return f"t={at_s},v1={digest}"


async def _exchange(request: httpx.Request) -> Outcome:
    """The whole of it in a bounded time: a receiver that answers byte by byte holds up nobody else's alert."""
    async with asyncio.timeout(TOTAL_S), httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
        response = await client.send(request, stream=True, follow_redirects=False)
        try:
            return await _answered(response)
        finally:
            await response.aclose()


async def _answered(response: httpx.Response) -> Outcome:
    if response.is_success:
        return Outcome()
    said = b""
    async for piece in response.aiter_raw(MAX_ANSWER_BYTES):
        said += piece
        if len(said) >= MAX_ANSWER_BYTES:
            break
    after = response.headers.get("retry-after", "")
    final = response.status_code < 500 and response.status_code not in RETRIED
    return Outcome(
        f"{response.status_code} {_text(said)}".strip(),
        final=final,
        retry_s=min(int(after), MAX_RETRY_AFTER_S) if after.isascii() and after.isdigit() else None,
    )


def _hand_over(smtp_url: str, message: EmailMessage) -> None:
    parts = urlsplit(smtp_url)
    host = parts.hostname or "localhost"
    context = ssl.create_default_context()
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=TIMEOUT_S, context=context)
    else:
        server = smtplib.SMTP(host, parts.port or 587, timeout=TIMEOUT_S)
    with server:
        server.ehlo()
        if parts.scheme == "smtp" and (server.has_extn("starttls") or parts.username):
            server.starttls(context=context)  # raises where it is not offered: no password goes in the clear
            server.ehlo()
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(message)


def _text(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return " ".join(text.split())[:300]
