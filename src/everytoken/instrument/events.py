"""The events of a streamed answer, decoded from its bytes.

Most of a long chat stream is the same event again and again with another piece of text. Those are joined while they are
bytes, so that one event is decoded for hundreds: 200 pieces take 0.12 ms and not 0.28 ms (2026-11).
"""

import re
from typing import Any

import orjson

_CONTENT = b'"delta":{"content":"'
_OBFUSCATION = b',"obfuscation":"'
"""Padding of random length that OpenAI ends each event with."""
_DELTA, _TYPE_CHARS = b'.delta"', 100
"""What ends the type of a Responses event that adds a piece, and where the type has ended."""
_TERMINAL_RESPONSES = (b'"response.completed"', b'"response.incomplete"', b'"response.failed"')
_TERMINAL_EVENTS = (
    *_TERMINAL_RESPONSES,
    b'"image_generation.completed"', b'"image_edit.completed"', b'"transcript.text.done"', b"data: [DONE]",
)  # fmt: skip
_NEXT = b"\n\ndata: "
_STRINGS = re.compile(rb'(?:[^"\\]+|\\[^\n])*')
"""The insides of JSON strings, one a line."""


def decode_events(body: bytes) -> list[Any]:
    """The JSON of every event, in order. `[DONE]`, comments and the cut end of an aborted stream are left out.

    Pieces of text that follow one another in one choice of a chat come as one piece; of a Responses stream that has
    ended, the pieces are left out: its last event holds them all.
    """
    lines = [line[5:] for line in folded(body).splitlines() if line.startswith(b"data:")]
    lines = [line for line in lines if line.strip() != b"[DONE]"]
    if any(mark in line for line in lines[-2:] for mark in _TERMINAL_RESPONSES):
        lines = [line for line in lines if _DELTA not in line[:_TYPE_CHARS]]
    try:
        whole: list[Any] = orjson.loads(b"[" + b",".join(lines) + b"]")
    except orjson.JSONDecodeError:
        return [event for line in lines for event in _decoded(line)]
    return whole


def is_complete(body: bytes) -> bool:
    """True when the provider had said its last word, though the reader may have stopped before the end of the body."""
    events = body.rsplit(b"\n\n", 3)[-3:]
    return any(mark in event for event in events for mark in _TERMINAL_EVENTS)


def folded(body: bytes) -> bytes:
    """`body` with each row of chat events that differ in nothing but their text made one event with all of it."""
    marked = body.find(_CONTENT)
    began = body.rfind(_NEXT, 0, marked) + len(_NEXT) if marked > 0 else 0
    if began < len(_NEXT):
        if marked < 0 or not body.startswith(_NEXT[2:]):
            return body
        began = len(_NEXT) - 2
    text_at = marked + len(_CONTENT)
    text_end, event_end = body.find(b'"', text_at), body.find(b"\n\n", text_at)
    if not text_at <= text_end < event_end or body[text_end - 1 : text_end] == b"\\":
        return body
    head, tail = body[began:text_at], body[text_end:event_end]
    tail, padded, _ = tail.partition(_OBFUSCATION)
    rest = body[began:]
    return body[:began] + _joined(rest, head, tail, is_padded=bool(padded))


def _joined(events: bytes, head: bytes, tail: bytes, *, is_padded: bool) -> bytes:
    """Rows of events that are `head`, a text and `tail` join; all others stay as and where they are."""
    joined: list[bytes] = []
    row: list[bytes] = []
    texts: list[bytes] = []
    begin, end = len(head), -len(tail)
    # Split at a short mark: searching for one of 100 bytes takes four times as long.
    for event in events.split(_NEXT):
        plain = _unpadded(event) if is_padded else event
        if plain.startswith(head) and plain.endswith(tail):
            row.append(event)
            texts.append(plain[begin:end])
            continue
        if row:
            joined += _one_event(row, head, texts, tail)
            row, texts = [], []
        joined.append(event)
    if row:
        joined += _one_event(row, head, texts, tail)
    return _NEXT.join(joined)


def _one_event(row: list[bytes], head: bytes, texts: list[bytes], tail: bytes) -> list[bytes]:
    """The row as one event; as it was, if a text is not the inside of a JSON string."""
    # Looked at together, because looking at each would take longer than all the rest.
    together = b"\n".join(texts)
    if together.count(b"\n") >= len(texts) or not _STRINGS.fullmatch(together):
        return row
    return [head + together.replace(b"\n", b"") + tail + (b"" if tail.endswith(b"}") else b"}")]


def _unpadded(event: bytes) -> bytes:
    """The event without its padding; empty when it is not the last thing in it."""
    text, _, padding = event.rpartition(_OBFUSCATION)
    return text if padding.find(b'"') == len(padding) - 2 and padding.endswith(b'"}') else b""


def _decoded(line: bytes) -> list[Any]:
    try:
        return [orjson.loads(line)]
    except orjson.JSONDecodeError:
        return []
