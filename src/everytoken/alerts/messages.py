"""What an alert says: one body of facts, and the sentence, the chat message and the mail made from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from everytoken.alerts import windows
from everytoken.alerts.judge import Turn, local_text
from everytoken.alerts.readings import Reading
from everytoken.alerts.rules import Rule
from everytoken.query.totals import usd_text

SUBJECTS = {
    "cost": "cost",
    "tokens": "tokens",
    "error_rate": "error rate",
    "latency_p50": "median latency",
    "latency_p95": "95th percentile of latency",
    "ttft_p50": "median time to the first token",
    "ttft_p95": "95th percentile of the time to the first token",
    "coverage": "share of calls with exact usage",
    "coverage_fall": "fall of the share of calls with exact usage against the seven days before",
    "unpriced": "calls without a price",
    "anomaly": "cost of an hour that is usually cheaper",
    "projection": "projected cost of the month",
    "budget": "spent of the budget",
}
SPANS = {"day": "today", "week": "this week", "month": "this month"}
REASONS = {
    "new_period": "a new period began",
    "no_data": "nothing was known of it for 24 h",
    "changed": "the rule was changed",
    "disabled": "the rule was switched off",
    "recovered": "back within its limit",
}
WHY = {
    "no_calls": "no calls",
    "too_few_calls": "too few calls to say",
    "usage_missing": "no call told its usage",
    "unpriced": "no call has a price",
    "no_history": "not enough history",
}
UNITS = {"percent": " %", "points": " points", "ms": " ms", "tokens": " tokens", "calls": " calls"}
COVERAGE_KINDS = ("coverage", "coverage_fall", "unpriced")


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """The words around the sentence of an alert, in one language."""

    fired: str
    resolved: str
    trial: str
    open_runs: str
    runs: str
    alerts: str
    window: str

    def of(self, kind: str) -> str:
        """What a message of this type is called."""
        return {"alert.fired": self.fired, "alert.resolved": self.resolved}.get(kind, self.trial)


ENGLISH = Labels(
    fired="Alert",
    resolved="Resolved",
    trial="Test",
    open_runs="Open the runs",
    runs="Runs",
    alerts="Alerts",
    window="Window: {from_} to {to} ({time_zone})",
)


def facts(rule: Rule, turn: Turn, event_id: str, zone: ZoneInfo, models: list[str]) -> dict[str, Any]:
    """All that is told of one event, as it is kept and as a webhook gets it but for the links."""
    reading = turn.reading
    body: dict[str, Any] = {
        "type": f"alert.{turn.happening}",
        "id": event_id,
        "reason": turn.reason,
        "at": _iso(reading.at_us, zone),
        "project": rule.project,
        "rule": {"id": rule.rule_id, "name": rule.name, "kind": rule.kind, "window": rule.window},
        "scope": {"by": rule.scope.by, "key": rule.scope.key or None},
        "window": {
            "from": _iso(reading.from_us, zone),
            "to": _iso(reading.to_us, zone),
            "time_zone": zone.key,
            "from_us": reading.from_us,
            "to_us": reading.to_us,
        },
        "unit": rule.unit,
        "value": None if reading.value is None else amount(reading.value),
        "at_least": reading.at_least,
        "unknown_because": reading.why,
        "limit": amount(reading.limit),
        "level": turn.level if rule.kind == "budget" else None,
        "calls": reading.counts.calls,
        "missing_calls": reading.counts.missing,
        "unpriced_calls": reading.counts.unpriced,
        "errors": reading.counts.errors,
        "models": models,
    }
    body["text"] = sentence(body, local_text(reading.at_us, zone))
    return body


def trial(rule: Rule, event_id: str, now_us: int, zone: ZoneInfo) -> dict[str, Any]:
    """A message that says it is a trial."""
    at_us = now_us - now_us % windows.MINUTE_US
    span = windows.span(rule, at_us, zone)
    reading = Reading(at_us=at_us, from_us=span[0], to_us=at_us, value=None, limit=rule.limit, level=None)
    body = facts(rule, Turn("fired", "limit", 0, reading), event_id, zone, [])
    text = f"Test of “{rule.name}” in {rule.project}: this is what an alert looks like; nothing is wrong."
    return {**body, "type": "alert.test", "reason": "test", "level": None, "text": text}


def sentence(body: Mapping[str, Any], at: str) -> str:
    """The alert in words, with what is not known said."""
    rule, unit = body["rule"], body["unit"]
    what = SUBJECTS[rule["kind"]]
    scope = body["scope"]
    whose = "" if scope["by"] == "none" else f", {scope['by']} {scope['key']}"
    over = SPANS.get(rule["window"], f"in {rule['window']}")
    value = "unknown" if body["value"] is None else shown(body["value"], unit)
    least = "at least " if body["at_least"] and body["value"] is not None else ""
    head = f"{ENGLISH.of(body['type'])}: {rule['name']} ({body['project']}{whose})"
    if rule["kind"] == "budget":
        limit = f"of {shown(body['limit'], unit)}" + (f"; {body['level']} % reached" if body["level"] else "")
    else:
        side = "below" if rule["kind"] == "coverage" else "above"
        limit = f"limit: {side} {shown(body['limit'], unit)}"
    parts = [f"{head}: {what} {over} is {least}{value}, {limit}, at {at}."]
    if body["type"] == "alert.resolved":
        parts.append(f"Over because {REASONS[body['reason']]}.")
    if body["unknown_because"]:
        parts.append(f"Unknown: {WHY[body['unknown_because']]}.")
    parts += _doubts(body)
    return " ".join(parts)


def _doubts(body: Mapping[str, Any]) -> list[str]:
    calls = body["calls"]
    said = []
    if body["missing_calls"]:
        said.append(f"{body['missing_calls']} of {calls} calls told no usage.")
    if body["unpriced_calls"]:
        said.append(f"{body['unpriced_calls']} of {calls} calls have no price.")
    if body["models"]:
        said.append(f"Without a price: {', '.join(body['models'])}.")
    return said


def with_links(body: Mapping[str, Any], base_url: str) -> dict[str, Any]:
    """The body with addresses of the page: the runs of the window, and the rule."""
    project = quote(body["project"], safe="")
    span = body["window"]
    page = "coverage" if body["rule"]["kind"] in COVERAGE_KINDS else "traces"
    at = f"{base_url.rstrip('/')}/projects/{project}"
    moments = f"range={span['from_us'] // 1000}-{-(-span['to_us'] // 1000)}"
    return {**body, "links": {"runs": f"{at}/{page}?{moments}", "alerts": f"{at}/alerts"}}


def slack(body: Mapping[str, Any], labels: Labels = ENGLISH) -> dict[str, Any]:
    """As Slack's incoming webhooks take it (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks,
    read 2026-11): `text` for notifications, blocks for the message. What users named cannot become markup."""
    said = _escaped(body["text"])
    mark = {"alert.fired": "🔴", "alert.resolved": "🟢"}.get(body["type"], "⚪")
    links = f"<{body['links']['runs']}|{labels.open_runs}> · <{body['links']['alerts']}|{labels.alerts}>"
    return {
        "text": f"{mark} {said}",
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": f"{mark} {said[:2_900]}"}},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": links}]},
        ],
    }


def mail(body: Mapping[str, Any], *, sender: str, to: str, now_us: int, labels: Labels = ENGLISH) -> EmailMessage:
    """Plain text. `Message-ID` is the event's, so that a mail sent twice is one in the reader's box."""
    message = EmailMessage()
    subject = f"[everytoken] {labels.of(body['type'])}: {body['rule']['name']} ({body['project']})"
    message["Subject"] = " ".join(subject.split())
    message["From"] = sender
    message["To"] = to
    message["Date"] = format_datetime(windows.local_of(now_us, ZoneInfo("UTC")))
    message["Message-ID"] = f"<{body['id']}@everytoken>"
    span = body["window"]
    window = labels.window.format(from_=span["from"], to=span["to"], time_zone=span["time_zone"])
    message.set_content(
        f"{body['text']}\n\n{labels.runs}: {body['links']['runs']}\n{labels.alerts}: {body['links']['alerts']}\n"
        f"\n{window}\n"
    )
    return message


def shown(value: str, unit: str, units: Mapping[str, str] = UNITS) -> str:
    """A value with its unit, as a person writes it."""
    if unit == "usd":
        number = Decimal(value)
        return f"${number:,.2f}" if number == 0 or number >= Decimal("0.01") else f"${value}"
    number = Decimal(value)
    text = f"{number:,.2f}".rstrip("0").rstrip(".") if number % 1 else f"{int(number):,}"
    return text + units[unit]


def amount(value: Decimal) -> str:
    """Decimal text; what a division made endless is cut at twelve places, as money is."""
    return usd_text(value.quantize(Decimal("1e-12")) if value % Decimal("1e-12") else value)


def _iso(at_us: int, zone: ZoneInfo) -> str:
    return windows.local_of(at_us, zone).isoformat(timespec="seconds")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
