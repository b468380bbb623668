"""Long conversations: when the history outgrows the model's window, the oldest part becomes a summary."""

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AnyMessage, RemoveMessage

from eco2 import prompts
from eco2.kit import Kit
from eco2.llm import Prompt
from eco2.state import ChatState

WINDOWS = {"gpt-5": (400_000, 128_000), "gemini-3": (1_000_000, 64_000)}
"""Model family → (context window, largest output), in tokens."""
SUMMARY_SHARE = 0.15
SUMMARY_TOKENS = (20_000, 65_536)
"""Least and most tokens of a summary."""
INPUT_SHARE = 0.7
"""Part of the trigger that may be sent for summing up; the rest is room for the prompt and the answer."""


def window_of(model: str) -> tuple[int, int]:
    """Context window and largest output; an unknown model gets the smaller window."""
    return next((limits for family, limits in WINDOWS.items() if model.startswith(family)), WINDOWS["gpt-5"])


def estimated_tokens(messages: Sequence[AnyMessage]) -> int:
    """Half the characters: Korean has 0.6 to 0.8 tokens a character, spaces and Latin letters fewer."""
    return sum(len(str(message.text)) for message in messages) // 2


async def keep_within_window(state: ChatState, kit: Kit) -> dict[str, Any]:
    """The update that shortens the history, or nothing while it fits. A failed summary leaves everything as it is."""
    messages = state.get("messages", [])
    chat = kit.chat("summarize")
    window, largest_output = window_of(chat.model)
    trigger = kit.settings.summary_trigger_tokens or window - largest_output
    if estimated_tokens(messages) <= trigger:
        return {}
    old = messages[: -kit.settings.summary_keep_messages]
    if not old:
        return {}
    prompt = Prompt(
        node="summarize",
        system=prompts.SUMMARY,
        user=_transcript(old, state.get("summary", ""), int(trigger * INPUT_SHARE)),
        temperature=0.1,
        max_tokens=min(max(int(window * SUMMARY_SHARE), SUMMARY_TOKENS[0]), SUMMARY_TOKENS[1]),
    )
    summary = await chat.complete(prompt)
    if not summary.strip():
        return {}
    return {"summary": summary, "messages": [RemoveMessage(str(message.id)) for message in old]}


def _transcript(messages: Sequence[AnyMessage], summary: str, limit_tokens: int) -> str:
    """The old messages, the newest kept when not all fit, with the earlier summary in front."""
    lines: list[str] = []
    room = limit_tokens * 2
    for message in reversed(messages):
        line = f"{'사용자' if message.type == 'human' else '도우미'}: {message.text}"
        room -= len(line)
        if room < 0:
            break
        lines.append(line)
    earlier = f"[이전 요약]\n{summary}\n\n" if summary else ""
    return earlier + "[대화]\n" + "\n".join(reversed(lines))
