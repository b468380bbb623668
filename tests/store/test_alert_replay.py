"""Replayed traffic, minute by minute on a clock of the test: alerts fire at the right minute of Seoul, and once."""

import json
import threading
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import pytest
from tests.store import samples
from tests.store.alert_world import SEOUL, control_at, kst, mailing, receiving, rule, set_up, spent, target, wall

from everytoken.alerts import hosts, sending
from everytoken.alerts.deliver import Deliverer
from everytoken.alerts.evaluate import Evaluator
from everytoken.alerts.rulebook import row_of
from everytoken.alerts.rules import Target
from everytoken.alerts.sending import Sender
from everytoken.store.control import Control
from everytoken.store.ledger import Ledger

MINUTE_US = 60_000_000
DELAY_US = 30_000_000


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with samples.opened(tmp_path) as opened:
        yield opened


def told(control: Control) -> list[tuple[str, str, str]]:
    """What happened: what, why, and at which minute of Seoul; oldest first."""
    events = reversed(control.alerts.events("shop", limit=500))
    return [(event.body["type"].removeprefix("alert."), event.body["reason"], wall(event.at_us)) for event in events]


def sender(**more: object) -> Sender:
    known: dict[str, object] = {
        "base_url": "https://tokens.example.com",
        "allowed_hosts": frozenset({"127.0.0.1"}),
        "smtp_url": None,
        "smtp_from": "everytoken@example.com",
    }
    return Sender(**{**known, **more})  # type: ignore[arg-type]  # the known ones are all of it


def test_a_day_in_seoul_fires_at_its_minute_and_once_with_two_servers_and_restarts(
    tmp_path: Path, ledger: Ledger
) -> None:
    # $1 a day of Seoul. The 22nd: 1.20 with the call of 23:52:00. The 23rd, from 15:00 UTC: 1.20 with that of 00:59:00.
    # A day of UTC, or the day before's money, would have fired at other minutes.
    ledger.write(
        [],
        [spent(f"2026-11-22 23:5{minute}") for minute in (0, 1, 2)]
        + [spent("2026-11-23 00:10"), spent("2026-11-23 00:30"), spent("2026-11-23 00:59"), spent("2026-11-23 01:02")],
        [],
    )
    first = control_at(tmp_path)
    first.alerts.add(row_of(rule("cost", "day", "1", name="day")), most=10)
    controls = [first, control_at(tmp_path)]
    for minute in range(100):
        if minute % 25 == 20:  # both are restarted: nothing is known but what is kept
            for control in controls:
                control.close()
            controls = [control_at(tmp_path), control_at(tmp_path)]
        now_us = kst("2026-11-22 23:45") + minute * MINUTE_US + DELAY_US
        for control in controls:
            Evaluator(ledger, control, delay_us=DELAY_US).round(now_us)
            Evaluator(ledger, control, delay_us=DELAY_US).round(now_us + 5_000_000)
    assert told(controls[0]) == [
        ("fired", "limit", "2026-11-22 23:53"),
        ("resolved", "new_period", "2026-11-23 00:01"),
        ("fired", "limit", "2026-11-23 01:00"),
    ]
    for control in controls:
        control.close()


def test_a_budget_tells_each_level_once_and_starts_over_with_the_period(tmp_path: Path, ledger: Ledger) -> None:
    ledger.write([], [spent(f"2026-11-22 {hour}:00", "3") for hour in ("10", "11", "12", "13")], [])  # 3 6 9 12 of 10
    control = control_at(tmp_path)
    control.alerts.add(row_of(rule("budget", "day", "10")), most=10)
    evaluator = Evaluator(ledger, control, delay_us=0)
    for minute in range(9 * 60, 24 * 60 + 3):
        evaluator.round(kst("2026-11-22 00:00") + minute * MINUTE_US)
    events = control.alerts.events("shop", limit=50)[::-1]
    assert [(event.body["level"], event.body["value"], wall(event.at_us)) for event in events] == [
        (50, "6", "2026-11-22 11:01"),
        (80, "9", "2026-11-22 12:01"),
        (100, "12", "2026-11-22 13:01"),
        (100, "0", "2026-11-23 00:01"),  # the new day's
    ]
    assert events[-1].body["type"] == "alert.resolved"
    control.close()


def test_the_last_minutes_of_a_day_are_judged_however_late_the_server_looks(tmp_path: Path, ledger: Ledger) -> None:
    ledger.write([], [spent("2026-11-22 23:59", "5")], [])
    control = control_at(tmp_path)
    control.alerts.add(row_of(rule("cost", "day", "1")), most=10)
    evaluator = Evaluator(ledger, control, delay_us=0)
    evaluator.round(kst("2026-11-22 23:50"))
    for _ in range(2):  # ten minutes after midnight: first the end of yesterday, then today
        evaluator.round(kst("2026-11-23 00:10"))
    assert told(control) == [
        ("fired", "limit", "2026-11-23 00:00"),
        ("resolved", "new_period", "2026-11-23 00:10"),
    ]
    control.close()


def test_a_rate_fires_and_resolves_with_its_window_and_silence_is_no_recovery(tmp_path: Path, ledger: Ledger) -> None:
    bad = [spent("2026-11-22 10:00", status="error") for _ in range(10)]
    good = [spent("2026-11-22 10:07") for _ in range(10)]
    ledger.write([], bad + good, [])
    control = control_at(tmp_path)
    control.alerts.add(row_of(rule("error_rate", "5m", "50")), most=10)
    evaluator = Evaluator(ledger, control, delay_us=0)
    for minute in range(30):
        evaluator.round(kst("2026-11-22 09:55") + minute * MINUTE_US)
    # 10:01 to 10:05 see ten errors of ten; 10:06 and 10:07 see nothing; 10:08 sees ten calls without one.
    assert told(control) == [("fired", "limit", "2026-11-22 10:01"), ("resolved", "recovered", "2026-11-22 10:08")]
    control.close()


def test_an_alert_nobody_can_confirm_ends_after_a_day(tmp_path: Path, ledger: Ledger) -> None:
    ledger.write([], [spent("2026-11-22 10:00", status="error") for _ in range(10)], [])
    control = control_at(tmp_path)
    control.alerts.add(row_of(rule("error_rate", "5m", "50")), most=10)
    evaluator = Evaluator(ledger, control, delay_us=0)
    for at in ("2026-11-22 10:01", "2026-11-22 10:05", "2026-11-23 10:04", "2026-11-23 10:05", "2026-11-23 10:06"):
        evaluator.round(kst(at))
    assert told(control) == [("fired", "limit", "2026-11-22 10:01"), ("resolved", "no_data", "2026-11-23 10:05")]
    control.close()


def test_an_alert_says_which_models_have_no_price_and_that_the_sum_is_at_least(tmp_path: Path, ledger: Ledger) -> None:
    ledger.write(
        [],
        [spent("2026-11-22 10:00", "2"), spent("2026-11-22 10:00", None, response_model="gpt-9"),
         spent("2026-11-22 10:00", None, tokens=None)],
        [],
    )  # fmt: skip
    control = control_at(tmp_path)
    control.alerts.add(row_of(rule("cost", "day", "1", name="Day & night")), most=10)
    Evaluator(ledger, control, delay_us=0).round(kst("2026-11-22 10:01"))
    (event,) = control.alerts.events("shop", limit=5)
    assert event.body["text"] == (
        "Alert: Day & night (shop): cost today is at least $2.00, limit: above $1.00, at 2026-11-22 10:01 KST. "
        "1 of 3 calls told no usage. 2 of 3 calls have no price. Without a price: gpt-5.2-2025-12-11, gpt-9."
    )
    assert event.body["window"]["from"] == "2026-11-22T00:00:00+09:00"
    control.close()


def test_two_servers_on_postgresql_keep_one_event_of_what_both_judged(database_url: str, ledger: Ledger) -> None:
    ledger.write([], [spent("2026-11-22 10:00", "5")], [])
    controls = [set_up(Control(database_url)) for _ in range(2)]
    watched = rule("cost", "day", "1", targets=(target("webhook", "http://127.0.0.1:1/", "s"),))
    controls[0].alerts.add(row_of(watched), most=10)
    seen = controls[0].alerts.state(watched.rule_id)
    assert seen is not None
    ready = threading.Barrier(2)
    kept: list[bool] = []

    def judge(control: Control) -> None:
        evaluator = Evaluator(ledger, control, delay_us=0)
        ready.wait()
        at_us = kst("2026-11-22 10:01")
        kept.append(evaluator.judge(watched, seen, SEOUL, at_us, at_us))

    threads = [threading.Thread(target=judge, args=(control,)) for control in controls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(kept) == [False, True]
    assert len(controls[1].alerts.events("shop", limit=9)) == 1
    now_us = kst("2026-11-22 10:02")
    taken = [control.alerts.take_deliveries(now_us, until_us=now_us + 9, limit=5) for control in controls]
    assert [len(some) for some in taken] == [1, 0]
    held = [
        control.alerts.take_lease("judging", name, 10, until_us=20)
        for control, name in zip(controls, "ab", strict=True)
    ]
    assert held == [True, False]
    assert controls[1].alerts.take_lease("judging", "b", 20, until_us=30) is True
    assert controls[0].alerts.take_lease("judging", "a", 29, until_us=99) is False
    for control in controls:
        control.close()


def fired(control: Control, ledger: Ledger, *targets: Target) -> int:
    """An alert of these targets that has just fired; when."""
    ledger.write([], [spent("2026-11-22 10:00", "5")], [])
    control.alerts.add(row_of(rule("cost", "day", "1", targets=targets)), most=10)
    now_us = kst("2026-11-22 10:01")
    Evaluator(ledger, control, delay_us=0).round(now_us)
    return now_us


def test_a_webhook_is_signed_linked_and_sent_once(tmp_path: Path, ledger: Ledger) -> None:
    control = control_at(tmp_path)
    with receiving() as receiver:
        now_us = fired(control, ledger, target("webhook", receiver.url, "s3cret"))
        deliverer = Deliverer(control, sender())
        assert [deliverer.round(now_us + later * MINUTE_US) for later in range(3)] == [1, 0, 0]
    ((headers, content),) = receiver.got
    # `printf '1795309260.%s' "$body" | openssl dgst -sha256 -hmac s3cret`, the documented way, gives the same
    assert headers["everytoken-signature"] == sending.signature("s3cret", content, now_us // 1_000_000)
    body = json.loads(content)
    assert headers["everytoken-event"] == body["id"]
    assert (body["type"], body["value"], body["limit"]) == ("alert.fired", "5", "1")
    day = kst("2026-11-22 00:00") // 1000
    assert body["links"]["runs"] == f"https://tokens.example.com/projects/shop/traces?range={day}-{now_us // 1000}"
    control.close()


def test_the_signature_is_hmac_sha256_of_time_and_body() -> None:
    # python -c 'import hmac; print(hmac.new(b"k", b"7.{}", "sha256").hexdigest())'
    assert sending.signature("k", b"{}", 7) == (
        "t=7,v1=676b269d79cd27a0484d05de0823eb209fd73922d153a5a975a92a1b5c31b889"
    )


def test_a_failing_receiver_is_tried_again_with_growing_pauses_until_it_takes_it(
    tmp_path: Path, ledger: Ledger
) -> None:
    control = control_at(tmp_path)
    with receiving() as receiver:
        receiver.statuses = [503, 429, 500]
        now_us = fired(control, ledger, target("webhook", receiver.url, "s"))
        tries = []
        for second in range(0, 800, 5):
            control.close()  # a server that comes back knows what it still owes
            control = control_at(tmp_path)
            if Deliverer(control, sender()).round(now_us + second * 1_000_000):
                tries.append(second)
    assert tries == [0, 10, 40, 160]  # pauses of 10, 30 and 120 s
    (event,) = control.alerts.events("shop", limit=9)
    (delivery,) = control.alerts.deliveries([event.event_id])
    assert (delivery.state, delivery.attempts, delivery.error) == ("sent", 4, None)
    assert {json.loads(content)["id"] for _, content in receiver.got} == {event.event_id}
    control.close()


@pytest.mark.parametrize(("status", "state"), [(410, "failed"), (302, "failed"), (500, "waiting")])
def test_a_refusal_is_final_and_a_failure_is_not(tmp_path: Path, ledger: Ledger, status: int, state: str) -> None:
    control = control_at(tmp_path)
    with receiving() as receiver:
        receiver.statuses, receiver.body = [status], b"no " + b"x" * 100_000
        receiver.headers = {"location": receiver.url}
        now_us = fired(control, ledger, target("slack", receiver.url))
        Deliverer(control, sender()).round(now_us)
    (event,) = control.alerts.events("shop", limit=9)
    (delivery,) = control.alerts.deliveries([event.event_id])
    assert (delivery.state, len(receiver.got)) == (state, 1)
    assert (delivery.error or "").startswith(f"{status} no xxx")
    assert len(delivery.error or "") <= 310
    control.close()


def test_a_receiver_that_never_takes_it_is_given_up_after_eight_attempts(tmp_path: Path, ledger: Ledger) -> None:
    control = control_at(tmp_path)
    now_us = fired(control, ledger, target("webhook", "http://127.0.0.1:1/", "s"))  # nobody listens
    deliverer = Deliverer(control, sender())
    for minute in range(6 * 60):
        deliverer.round(now_us + minute * MINUTE_US)
    (event,) = control.alerts.events("shop", limit=9)
    (delivery,) = control.alerts.deliveries([event.event_id])
    assert (delivery.state, delivery.attempts) == ("failed", 8)
    assert "ConnectError" in (delivery.error or "")
    control.close()


def test_slack_gets_its_format_and_names_cannot_become_markup(tmp_path: Path, ledger: Ledger) -> None:
    control = control_at(tmp_path)
    ledger.write([], [spent("2026-11-22 10:00", "5")], [])
    with receiving() as receiver:
        watched = rule("cost", "day", "1", name="<!channel> & co", targets=(target("slack", receiver.url),))
        control.alerts.add(row_of(watched), most=10)
        now_us = kst("2026-11-22 10:01")
        Evaluator(ledger, control, delay_us=0).round(now_us)
        Deliverer(control, sender()).round(now_us)
    ((headers, content),) = receiver.got
    body = json.loads(content)
    assert "everytoken-signature" not in headers
    assert body["text"].startswith("🔴 Alert: &lt;!channel&gt; &amp; co (shop): cost today is $5.00")
    assert body["blocks"][0]["text"] == {"type": "mrkdwn", "text": body["text"]}
    assert "/projects/shop/traces?range=" in body["blocks"][1]["elements"][0]["text"]
    control.close()


def test_a_mail_arrives_and_a_refused_one_is_tried_again_or_not(tmp_path: Path, ledger: Ledger) -> None:
    control = control_at(tmp_path)
    with mailing() as box:
        box.refuse = ["451 later", "550 nobody here"]
        later, never = target("email", "team@example.com"), target("email", "gone@example.com")
        now_us = fired(control, ledger, later, never)
        deliverer = Deliverer(control, sender(smtp_url=box.url))
        deliverer.round(now_us)
        deliverer.round(now_us + 10_000_000)
    states = [one.state for one in control.alerts.deliveries([control.alerts.events("shop", limit=1)[0].event_id])]
    assert sorted(states) == ["failed", "sent"]
    ((mail_from, to, message),) = box.got
    assert mail_from == "everytoken@example.com"
    assert to in (["team@example.com"], ["gone@example.com"])
    assert message["subject"] == "[everytoken] Alert: watch (shop)"
    assert "cost today is $5.00, limit: above $1.00, at 2026-11-22 10:01 KST" in text_of(message)
    control.close()


def test_a_password_never_goes_to_a_mail_server_in_the_clear(tmp_path: Path, ledger: Ledger) -> None:
    control = control_at(tmp_path)
    with mailing() as box:  # offers no STARTTLS
        now_us = fired(control, ledger, target("email", "team@example.com"))
        Deliverer(control, sender(smtp_url=box.url.replace("smtp://", "smtp://user:pass@"))).round(now_us)
    (delivery,) = control.alerts.deliveries([control.alerts.events("shop", limit=1)[0].event_id])
    assert (delivery.state, box.got) == ("waiting", [])
    assert "STARTTLS" in (delivery.error or "")
    control.close()


def text_of(message: Message) -> str:
    payload = message.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return " ".join(payload.decode().split())


@pytest.mark.parametrize(
    ("url", "addresses", "allowed", "refused"),
    [
        ("http://hooks.example.com/x", ["93.184.216.34"], "", False),
        ("http://inside.example.com/x", ["10.0.0.7"], "", True),
        ("http://inside.example.com/x", ["10.0.0.7"], "inside.example.com", False),
        ("http://inside.example.com/x", ["10.0.0.7"], "*", False),
        ("http://both.example.com/x", ["93.184.216.34", "127.0.0.1"], "", True),
        ("http://169.254.169.254/latest/meta-data", ["169.254.169.254"], "", True),
        ("http://[::1]/", ["::1"], "", True),
        ("http://[::ffff:127.0.0.1]/", ["::ffff:127.0.0.1"], "", True),
        ("http://cgnat.example.com/", ["100.64.1.1"], "", True),
    ],
)
def test_an_alert_reaches_public_hosts_and_those_that_the_setting_names(
    url: str, addresses: list[str], allowed: str, refused: bool
) -> None:
    def asked() -> tuple[str, str, int]:
        return hosts.checked_address(url, hosts.parse_hosts(allowed), lambda _host, _port: addresses)

    if refused:
        with pytest.raises(hosts.HostRefusedError, match="EVERYTOKEN_ALERT_HOSTS"):
            asked()
    else:
        assert asked()[1] == addresses[0]


def test_the_connection_goes_to_the_address_that_was_checked(tmp_path: Path, ledger: Ledger) -> None:
    control = control_at(tmp_path)
    with receiving() as receiver:
        port = receiver.url.split(":")[2].partition("/")[0]
        now_us = fired(control, ledger, target("webhook", f"http://hooks.invalid:{port}/in", "s"))
        found = sender(allowed_hosts=frozenset({"hooks.invalid"}), resolver=lambda _host, _port: ["127.0.0.1"])
        Deliverer(control, found).round(now_us)
    ((headers, _),) = receiver.got
    assert headers["host"] == f"hooks.invalid:{port}"
    control.close()
