"""What an alert says, in Korean: made from the same facts, when it is sent."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from everytoken.alerts.judge import local_text
from everytoken.alerts.messages import Labels, shown

LABELS = Labels(
    fired="알림",
    resolved="해소",
    trial="시험",
    open_runs="실행 보기",
    runs="실행",
    alerts="알림 설정",
    window="구간: {from_} ~ {to} ({time_zone})",
)
UNITS = {"percent": " %", "points": " 포인트", "ms": " ms", "tokens": " 토큰", "calls": "건"}
SUBJECTS = {
    "cost": "비용",
    "tokens": "토큰",
    "error_rate": "오류율",
    "latency_p50": "지연 시간의 중앙값",
    "latency_p95": "지연 시간의 95백분위수",
    "ttft_p50": "첫 토큰까지 걸린 시간의 중앙값",
    "ttft_p95": "첫 토큰까지 걸린 시간의 95백분위수",
    "coverage": "사용량이 정확한 호출의 비율",
    "coverage_fall": "지난 7일에 견준 정확한 호출 비율의 하락",
    "unpriced": "가격이 없는 호출",
    "anomaly": "평소보다 비싼 한 시간의 비용",
    "projection": "이번 달 예상 비용",
    "budget": "예산 사용액",
}
SPANS = {
    "5m": "최근 5분", "15m": "최근 15분", "1h": "최근 1시간", "6h": "최근 6시간", "24h": "최근 24시간",
    "day": "오늘", "week": "이번 주", "month": "이번 달",
}  # fmt: skip
SCOPES = {"user": "사용자", "node": "노드", "model": "모델", "tag": "태그"}
REASONS = {
    "new_period": "새 기간이 시작됨",
    "no_data": "24시간 동안 알려진 값이 없음",
    "changed": "규칙이 바뀜",
    "disabled": "규칙이 꺼짐",
    "recovered": "한도 안으로 돌아옴",
}
WHY = {
    "no_calls": "호출이 없음",
    "too_few_calls": "호출이 너무 적음",
    "usage_missing": "사용량을 알려 준 호출이 없음",
    "unpriced": "가격이 있는 호출이 없음",
    "no_history": "지난 기록이 모자람",
}


def sentence(body: Mapping[str, Any]) -> str:
    """The alert in words, with what is not known said."""
    rule, unit, scope = body["rule"], body["unit"], body["scope"]
    if body["type"] == "alert.test":
        name = f"{body['project']}의 “{rule['name']}”"
        return f"{name} 알림 시험입니다. 실제 알림은 이런 모습이며, 지금은 아무 문제가 없습니다."
    whose = "" if scope["by"] == "none" else f", {SCOPES[scope['by']]} {scope['key']}"
    head = f"{LABELS.of(body['type'])}: {rule['name']} ({body['project']}{whose})"
    value = "알 수 없음" if body["value"] is None else shown(body["value"], unit, UNITS)
    least = "최소 " if body["at_least"] and body["value"] is not None else ""
    limit = shown(body["limit"], unit, UNITS)
    if rule["kind"] == "budget":
        held = f"예산 {limit}" + (f" 중 {body['level']} % 도달" if body["level"] else "")
    else:
        held = f"한도 {limit} {'미만' if rule['kind'] == 'coverage' else '초과'}"
    zone = ZoneInfo(body["window"]["time_zone"])
    at = local_text(int(datetime.fromisoformat(body["at"]).timestamp()) * 1_000_000, zone)
    said = [f"{head}: {SPANS[rule['window']]} {SUBJECTS[rule['kind']]} {least}{value}, {held}, {at} 기준."]
    if body["type"] == "alert.resolved":
        said.append(f"해소된 까닭: {REASONS[body['reason']]}.")
    if body["unknown_because"]:
        said.append(f"알 수 없는 까닭: {WHY[body['unknown_because']]}.")
    if body["missing_calls"]:
        said.append(f"호출 {body['calls']}건 중 {body['missing_calls']}건은 사용량을 알려 주지 않았습니다.")
    if body["unpriced_calls"]:
        said.append(f"호출 {body['calls']}건 중 {body['unpriced_calls']}건은 가격이 없습니다.")
    if body["models"]:
        said.append(f"가격이 없는 모델: {', '.join(body['models'])}.")
    return " ".join(said)
