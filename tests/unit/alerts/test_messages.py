"""What an alert says, in both languages, and around it."""

from typing import Any, get_args

import pytest

from everytoken.alerts import korean, messages
from everytoken.alerts.judge import Reason
from everytoken.alerts.rules import KINDS, WINDOWS

LINKS = {"runs": "https://t.example/runs", "alerts": "https://t.example/alerts"}
BODY: dict[str, Any] = {
    "type": "alert.fired", "id": "e-1", "reason": "limit", "at": "2026-11-22T10:01:00+09:00", "project": "shop",
    "rule": {"id": "r-1", "name": "하루", "kind": "cost", "window": "day"}, "scope": {"by": "none", "key": None},
    "window": {"from": "2026-11-22T00:00:00+09:00", "to": "2026-11-22T10:01:00+09:00", "time_zone": "Asia/Seoul"},
    "unit": "usd", "value": "5", "at_least": False, "unknown_because": None, "limit": "1", "level": None, "calls": 3,
    "missing_calls": 0, "unpriced_calls": 0, "errors": 0, "models": [], "links": LINKS,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "알림: 하루 (shop): 오늘 비용 $5.00, 한도 $1.00 초과, 2026-11-22 10:01 KST 기준."),
        (
            {"type": "alert.resolved", "reason": "new_period", "scope": {"by": "user", "key": "u-7"}},
            "해소: 하루 (shop, 사용자 u-7): 오늘 비용 $5.00, 한도 $1.00 초과, 2026-11-22 10:01 KST 기준. "
            "해소된 까닭: 새 기간이 시작됨.",
        ),
        (
            {"rule": {"name": "예산", "kind": "budget", "window": "month"}, "level": 80, "at_least": True,
             "missing_calls": 1, "unpriced_calls": 2, "models": ["a", "b"]},
            "알림: 예산 (shop): 이번 달 예산 사용액 최소 $5.00, 예산 $1.00 중 80 % 도달, 2026-11-22 10:01 KST 기준. "
            "호출 3건 중 1건은 사용량을 알려 주지 않았습니다. 호출 3건 중 2건은 가격이 없습니다. "
            "가격이 없는 모델: a, b.",
        ),
        (
            {"rule": {"name": "범위", "kind": "coverage", "window": "1h"}, "unit": "percent", "value": None,
             "limit": "95", "unknown_because": "too_few_calls"},
            "알림: 범위 (shop): 최근 1시간 사용량이 정확한 호출의 비율 알 수 없음, 한도 95 % 미만, "
            "2026-11-22 10:01 KST 기준. "
            "알 수 없는 까닭: 호출이 너무 적음.",
        ),
        (
            {"type": "alert.test"},
            "shop의 “하루” 알림 시험입니다. 실제 알림은 이런 모습이며, 지금은 아무 문제가 없습니다.",
        ),
    ],
)  # fmt: skip
def test_an_alert_is_said_in_korean(changed: dict[str, Any], said: str) -> None:
    assert korean.sentence({**BODY, **changed}) == said


def test_each_word_of_an_alert_is_there_in_both_languages() -> None:
    assert korean.SUBJECTS.keys() == messages.SUBJECTS.keys() == set(KINDS)
    assert korean.SPANS.keys() == set(WINDOWS)
    assert korean.REASONS.keys() == messages.REASONS.keys() == set(get_args(Reason)) - {"limit"}
    assert korean.WHY.keys() == messages.WHY.keys()
    assert korean.UNITS.keys() == messages.UNITS.keys()


def test_slack_and_mail_are_labelled_in_the_language_of_their_sentence() -> None:
    body = {**BODY, "text": "문장 <b>"}
    links = messages.slack(body, korean.LABELS)["blocks"][1]["elements"][0]["text"]
    assert links == "<https://t.example/runs|실행 보기> · <https://t.example/alerts|알림 설정>"
    mail = messages.mail(body, sender="a@example.com", to="b@example.com", now_us=0, labels=korean.LABELS)
    assert mail["subject"] == "[everytoken] 알림: 하루 (shop)"
    assert mail.get_content().splitlines() == [
        "문장 <b>",
        "",
        "실행: https://t.example/runs",
        "알림 설정: https://t.example/alerts",
        "",
        "구간: 2026-11-22T00:00:00+09:00 ~ 2026-11-22T10:01:00+09:00 (Asia/Seoul)",
    ]
