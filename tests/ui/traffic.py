"""A day of made-up traffic for the screenshots: the reference graph at other sizes, the same on every run."""

import random
from dataclasses import replace
from datetime import timedelta

from langsmith import Client
from tests.ui.reference import MODEL, QUESTION, REFERENCE, Step, llm, node, now, send

TRACES = 170  # a day and a half: the last 24 hours, and something before them to compare with
QUESTIONS = (
    QUESTION,
    "소파 버리려면 얼마예요?",
    "종이 어떻게 버려? 그리고 수거함도 알려줘",
    "폐건전지는 어디에 버리나요?",
    "요즘 고철 시세 알려줘",
    "How do I recycle a broken monitor?",
    "오늘 미세먼지 어때? 분리수거 하러 나가도 될까?",
)
ERROR = "RateLimitError: Error code: 429 - Rate limit reached for gpt-5.2"

WEATHER = replace(
    REFERENCE,
    children=tuple(
        node("weather", 210, 700, llm(215, 690, (96, 40), 400), step=3) if child.name == "location" else child
        for child in REFERENCE.children
    ),
)
"""The same agent asked for something else: the graph draws what the reference did not take in grey."""


def send_day(client: Client, project: str) -> str:
    """Send the traffic, the exact reference last, and return the id of the latter."""
    for other, days in (("eco2-staging", 0.1), ("prompt-experiments", 0.4)):
        send(client, other, REFERENCE, began=now() - timedelta(days=days))
    dice = random.Random(20261122)
    for index in range(TRACES, 0, -1):
        minutes = index * 14 + dice.uniform(0, 12)
        scale = 0.5 + 2.6 * dice.random() ** 2
        asked = WEATHER if index % 4 == 1 else REFERENCE
        root = replace(_scaled(asked, scale, dice, index), name=f"chat-job_{dice.randrange(16**6):06x}")
        send(
            client,
            project,
            root,
            began=now() - timedelta(minutes=minutes),
            error=ERROR if index % 31 == 4 else None,
            question=QUESTIONS[index % len(QUESTIONS)],
            user=f"user-{index // 5 % 24}",
            thread=f"session-{1 + index // 5}",
            release="1.4.1" if index > TRACES // 4 else "1.4.2",
        )
        if index % 30 == 0:
            client.flush()
    return send(client, project, REFERENCE, began=now() - timedelta(seconds=40), release="1.4.2")


def _scaled(step: Step, scale: float, dice: random.Random, index: int) -> Step:
    tokens = step.tokens and (int(step.tokens[0] * scale * 3), int(step.tokens[1] * scale))
    return replace(
        step,
        start_ms=step.start_ms * scale,
        end_ms=step.end_ms * scale,
        first_token_ms=step.first_token_ms and step.first_token_ms * scale,
        tokens=tokens,
        cached=int(tokens[0] * 0.6) if tokens and index % 3 else 0,
        reasoning=int(tokens[1] * 0.35) if tokens and index % 4 == 0 else 0,
        model=_model(step, index),
        reports=not (step.start_ms > 1_400 and index % 23 == 7),
        children=tuple(_scaled(child, scale, dice, index) for child in step.children),
    )


def _model(step: Step, index: int) -> str:
    if step.start_ms > 1_400 and index % 17 == 0:
        return "eco2-answer-ft-3"  # a model of one's own: no price list knows it
    return "gpt-5-mini" if step.start_ms < 100 and index % 2 else MODEL
