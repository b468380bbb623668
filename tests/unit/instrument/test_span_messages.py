"""Requests and answers of each API as the messages of OpenTelemetry's GenAI conventions."""

from typing import Any

import pytest

from everytoken.instrument.span_messages import input_messages, output_messages, system_instructions


def text(content: str) -> dict[str, Any]:
    return {"type": "text", "content": content}


CALL = {"type": "tool_call", "id": "c1", "name": "weather", "arguments": '{"city": "서울"}'}
FUNCTION = {"name": "weather", "arguments": '{"city": "서울"}'}


@pytest.mark.parametrize(
    ("request_body", "expected"),
    [
        (
            {"messages": [{"role": "system", "content": "짧게"}, {"role": "user", "content": "페트병은?"}]},
            [{"role": "system", "parts": [text("짧게")]}, {"role": "user", "parts": [text("페트병은?")]}],
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "이건?"}, {"type": "image_url"}]}]},
            [{"role": "user", "parts": [text("이건?"), {"type": "image_url"}]}],
        ),
        (
            {
                "messages": [
                    {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "function": FUNCTION}]},
                    {"role": "tool", "tool_call_id": "c1", "content": "맑음"},
                ]
            },
            [
                {"role": "assistant", "parts": [CALL]},
                {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "맑음"}]},
            ],
        ),
        ({"input": "페트병은?"}, [{"role": "user", "parts": [text("페트병은?")]}]),
        (
            {"input": [{"type": "function_call", "call_id": "c1", **FUNCTION}]},
            [{"role": "assistant", "parts": [CALL]}],
        ),
        (
            {"contents": [{"role": "user", "parts": [{"text": "이건?"}, {"inlineData": {"mimeType": "image/png"}}]}]},
            [{"role": "user", "parts": [text("이건?"), {"type": "unknown", "inlineData": {"mimeType": "image/png"}}]}],
        ),
        (
            {
                "contents": [
                    {"role": "model", "parts": [{"functionCall": {"name": "weather", "args": {"city": "서울"}}}]}
                ]
            },
            [
                {
                    "role": "assistant",
                    "parts": [{"type": "tool_call", "id": None, "name": "weather", "arguments": {"city": "서울"}}],
                }
            ],
        ),
        ({"input": ["페트병", "유리병"]}, [{"role": "user", "parts": [text(one)]} for one in ("페트병", "유리병")]),
        ({}, []),
        ({"messages": 7}, []),
    ],
)
def test_what_was_asked(request_body: dict[str, Any], expected: list[Any]) -> None:
    assert input_messages(request_body) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            {"choices": [{"message": {"role": "assistant", "content": "비우고"}, "finish_reason": "stop"}]},
            [{"role": "assistant", "parts": [text("비우고")], "finish_reason": "stop"}],
        ),
        (
            {"choices": [{"text": "비우고", "finish_reason": None}]},
            [{"role": "assistant", "parts": [text("비우고")], "finish_reason": ""}],
        ),
        (
            {
                "status": "completed",
                "output": [
                    {"type": "reasoning", "summary": [{"type": "summary_text", "text": "생각"}]},
                    {"type": "message", "content": [{"type": "output_text", "text": "비우고"}]},
                    {"type": "function_call", "call_id": "c1", **FUNCTION},
                ],
            },
            [
                {
                    "role": "assistant",
                    "parts": [{"type": "reasoning", "content": "생각"}, text("비우고"), CALL],
                    "finish_reason": "completed",
                }
            ],
        ),
        (
            {
                "candidates": [
                    {
                        "content": {"role": "model", "parts": [{"text": "생각", "thought": True}, {"text": "비우고"}]},
                        "finishReason": "STOP",
                    }
                ]
            },
            [
                {
                    "role": "assistant",
                    "parts": [{"type": "reasoning", "content": "생각"}, text("비우고")],
                    "finish_reason": "stop",
                }
            ],
        ),
        ({"output_text": "비우"}, [{"role": "assistant", "parts": [text("비우")], "finish_reason": ""}]),
        ({"data": [{"embedding": [0.1]}]}, []),
        ({"choices": "none", "candidates": 3}, []),
    ],
)
def test_what_came_back(answer: dict[str, Any], expected: list[Any]) -> None:
    assert output_messages(answer) == expected


def test_instructions_stand_apart_in_responses_and_gemini() -> None:
    assert system_instructions({"instructions": "짧게"}) == [text("짧게")]
    assert system_instructions({"systemInstruction": {"parts": [{"text": "짧게"}]}}) == [text("짧게")]
    assert system_instructions({"messages": []}) == []
