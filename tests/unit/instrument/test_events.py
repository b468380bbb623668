"""Decoding a stream's events: rows of text come as one event, and nothing else changes."""

import json
from typing import Any

import pytest

from everytoken.instrument.events import decode_events, folded, is_complete
from everytoken.instrument.merged import merged


def event(delta: dict[str, Any], *, index: int = 0, **more: Any) -> bytes:
    choices = [{"index": index, "delta": delta, "finish_reason": None}]
    body = {"id": "chatcmpl-1", "model": "m", "choices": choices, **more}
    return b"data: " + json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode() + b"\n\n"


def said(events: list[Any]) -> dict[int, str]:
    return {choice["index"]: choice["message"].get("content", "") for choice in merged(events)["choices"]}


def test_two_hundred_pieces_are_decoded_as_one_event() -> None:
    body = b"".join(event({"content": f"{number} "}) for number in range(200)) + b"data: [DONE]\n\n"
    events = decode_events(body)
    assert len(events) == 1
    assert said(events) == {0: "".join(f"{number} " for number in range(200))}


@pytest.mark.parametrize(
    "texts",
    [
        ["그는 ", '"안녕"', " 했다"],
        ["back\\", "slash", "\\"],
        ["line\n", "\n", "end"],
        ["", "", ""],
        ["data: x", "\u2028", "]}"],
    ],
)
def test_no_text_is_lost_or_changed(texts: list[str]) -> None:
    body = b"".join(event({"content": text}) for text in ["a", *texts, "z"])
    assert said(decode_events(body)) == {0: "".join(["a", *texts, "z"])}


def test_pieces_of_other_choices_and_of_other_fields_stay_apart() -> None:
    body = b"".join(
        [
            event({"role": "assistant", "content": ""}),
            event({"reasoning_content": "hm"}),
            event({"content": "a"}),
            event({"content": "b"}),
            event({"content": "x"}, index=1),
            event({"content": "c"}),
            event({"refusal": "no"}),
            event({"content": "d"}),
        ]
    )
    events = decode_events(body)
    first, second = merged(events)["choices"]
    assert (first["message"]["content"], second["message"]["content"]) == ("abcd", "x")
    assert (first["message"]["reasoning_content"], first["message"]["refusal"]) == ("hm", "no")


def test_padding_of_random_length_does_not_keep_pieces_apart() -> None:
    body = (
        b"".join(event({"content": "a"}, usage=None, obfuscation="x" * size) for size in (3, 1, 7, 0))
        + b"data: [DONE]\n\n"
    )
    events = decode_events(body)
    assert (len(events), said(events)) == (1, {0: "aaaa"})


def test_running_totals_are_kept_with_their_pieces() -> None:
    body = b"".join(event({"content": "a"}, usage={"completion_tokens": count}) for count in (1, 2, 3))
    assert [one["usage"]["completion_tokens"] for one in decode_events(body)] == [1, 2, 3]


def test_the_cut_end_of_a_stream_is_left_out() -> None:
    body = event({"content": "a"}) + event({"content": "b"}) + event({"content": "c"})[:40]
    assert said(decode_events(body)) == {0: "ab"}


def test_what_is_no_chat_is_not_touched() -> None:
    for body in (b"", b"data: {}\n\n", b': comment\n\ndata: {"type":"ping"}\n\n', b'"delta":{"content":"'):
        assert folded(body) == body


def test_of_a_response_that_ended_the_pieces_are_left_out() -> None:
    kinds = ("response.created", "response.output_text.delta", "response.output_text.delta", "response.completed")
    body = b"".join(b"data: " + json.dumps({"type": kind}).encode() + b"\n\n" for kind in kinds)
    assert [one["type"] for one in decode_events(body)] == ["response.created", "response.completed"]
    assert [one["type"] for one in decode_events(body.rpartition(b"data")[0])] == list(kinds[:3])
    assert (is_complete(body), is_complete(body.rpartition(b"data")[0])) == (True, False)
