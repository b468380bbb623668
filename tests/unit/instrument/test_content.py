"""What of prompts and answers leaves the process: all, masked, or nothing but numbers. Media never go whole."""

import base64
import hashlib
import re
import time
from typing import Any

import pytest
from pydantic import BaseModel

from everytoken.instrument.content import ContentPolicy

MASKED = ContentPolicy("masked")
PICTURE = bytes(range(256)) * 4
ENCODED = base64.b64encode(PICTURE).decode()
HASH = hashlib.sha256(PICTURE).hexdigest()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("키는 sk-proj-4fK9aQ0ZtYx2LmN8vB3c 입니다", "키는 [key] 입니다"),
        ("AIzaSyA1234567890abcdefghijklmnopqrstuv", "[key]"),
        ("ghp_16C7e42F292c6912E7710c838347Ae178B4a", "[key]"),
        ("github_pat_11ABCDEFG0aBcDeFgHiJkL_mnop", "[key]"),
        ("AKIAIOSFODNN7EXAMPLE", "[key]"),
        ("lsv2_pt_0a1b2c3d4e5f60718293a4b5c6d7e8f9_ab", "[key]"),
        ("Authorization: bearer abcdefgh12345678abcd", "Authorization: [key]"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.dBjftJeZ4CVP", "[key]"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow==\n-----END RSA PRIVATE KEY-----", "[key]"),
        ("메일은 kim.min+shop@mail.example.co.kr로", "메일은 [email]로"),
        ("주민번호 900101-1234567 입니다", "주민번호 [rrn] 입니다"),
        ("900101 2234567", "[rrn]"),
        ("850321-5123456", "[rrn]"),
        ("9001011234568", "[rrn]"),  # its check digit is right: 11 - (… % 11) = 8
        ("2103153123456", "[rrn]"),  # born after October 2020: no check digit
        ("010-1234-5678로 전화", "[phone]로 전화"),
        ("01012345678", "[phone]"),
        ("010 1234 5678", "[phone]"),
        ("010.1234.5678", "[phone]"),
        ("010–1234–5678", "[phone]"),
        ("+82 10-1234-5678", "[phone]"),
        ("+82-(0)10-1234-5678", "[phone]"),
        ("+821012345678", "[phone]"),
        ("02-123-4567", "[phone]"),
        ("(02) 1234-5678", "([phone]"),
        ("070-1234-5678", "[phone]"),
        ("두 번호 010-1234-5678, 011-123-4567", "두 번호 [phone], [phone]"),
    ],
)
def test_secrets_and_persons_are_masked(text: str, expected: str) -> None:
    assert MASKED.clean(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "주문번호 20261123-1234567",
        "주문 2026112300012345",
        "주문번호 2026-1123-4567-8901",
        "송장 6812-3456-7890",
        "1701234567890",  # milliseconds since 1970, whose first six digits read as a date
        "9001011234567",  # thirteen digits whose check digit is wrong
        "991301-1234567",  # no month 13
        "900132-1234567",  # no day 32
        "900101-9234567",  # no such century
        "2026-11-23 02:10:31",
        "2026.11.23",
        "20261123",
        "2026-11-23T02:10:31.123456Z",
        "평점 0.0212345678",
        "1588-1234",
        "37.498095, 127.027610",
        "3.14159265358979",
        "카드 1234-010-1234-5678",
        "react@18.2.0",
        "user@host",
        "@everyone",
        "sk-learn-based-classification-model",
        "git-secret-keeping-is-hard-work",
        "bearer of good news",
        "550e8400-e29b-41d4-a716-446655440000",
        "resp_0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        "가격은 12,345,678원",
    ],
)
def test_orders_dates_and_ordinary_words_are_left_alone(text: str) -> None:
    assert MASKED.clean(text) == text


def test_masking_reaches_every_depth_and_changes_nothing_it_is_given() -> None:
    asked = {"messages": [{"role": "user", "content": [{"type": "text", "text": "010-1234-5678"}]}], "n": 1}
    assert MASKED.clean(asked) == {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "[phone]"}]}],
        "n": 1,
    }
    assert asked["messages"][0]["content"][0]["text"] == "010-1234-5678"  # type: ignore[index]  # a literal above


def test_patterns_of_the_application_are_masked_as_well() -> None:
    assert ContentPolicy("masked", (re.compile(r"ORD-\d+"),)).clean("ORD-42, a@b.kr") == "[custom], [email]"


def test_a_hostile_text_of_a_megabyte_is_masked_in_a_blink() -> None:
    for text in ("a" * 10**6, "1" * 10**6, "a." * 500_000, "a@" * 500_000, "010-" * 250_000, "-----BEGIN A" * 80_000):
        began = time.process_time()
        MASKED.clean(text)
        assert time.process_time() - began < 2.0, text[:12]


def test_full_content_is_unchanged_and_none_is_nothing() -> None:
    asked = {"messages": [{"role": "user", "content": "010-1234-5678"}], "temperature": 0.5, "user": None}
    assert ContentPolicy("full").clean(asked) == asked
    assert ContentPolicy("none").clean(asked) == {}


def test_an_error_is_masked_or_cut_to_its_kind() -> None:
    told = "HTTP 400: no account a@b.kr"
    assert ContentPolicy("full").text(told) == told
    assert MASKED.text(told) == "HTTP 400: no account [email]"
    assert ContentPolicy("none").text(told) == "HTTP 400"
    assert ContentPolicy("none").text("ReadTimeout('of a@b.kr')") == "ReadTimeout"
    assert ContentPolicy("none").text(None) is None


@pytest.mark.parametrize("mode", ["full", "masked"])
@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ({"image_url": {"url": f"data:image/png;base64,{ENCODED}"}}, "image/png"),
        ({"input_audio": {"data": ENCODED, "format": "wav"}}, "application/octet-stream"),
        ({"inlineData": {"mimeType": "image/png", "data": ENCODED}}, "application/octet-stream"),
        ({"data": [{"b64_json": ENCODED}]}, "application/octet-stream"),
        ({"output": [{"type": "image_generation_call", "result": ENCODED}]}, "application/octet-stream"),
        ({"audio": PICTURE}, "application/octet-stream"),
        ({"audio": memoryview(PICTURE)}, "application/octet-stream"),
    ],
)
def test_pictures_and_sound_go_as_size_and_hash(mode: str, told: Any, kind: str) -> None:
    cleaned = repr(ContentPolicy(mode).clean(told))
    assert repr({"type": kind, "size_bytes": 1_024, "sha256": HASH}) in cleaned
    assert ENCODED[:64] not in cleaned


def test_a_picture_in_the_middle_of_a_text_becomes_a_word() -> None:
    text = f"보세요 ![그림](data:image/png;base64,{ENCODED}) 끝"
    assert ContentPolicy("full").clean(text) == f"보세요 ![그림]([image/png 1024 bytes sha256:{HASH}]) 끝"


def test_long_prose_and_urls_are_no_media() -> None:
    prose = {"data": "페트병은 비우고 헹구어 " * 50, "url": "https://example.com/" + "a" * 400}
    assert ContentPolicy("full").clean(prose) == prose


def test_what_is_no_json_is_named_and_what_is_too_deep_is_left_out() -> None:
    class Model(BaseModel):
        answer: str

    class Opaque:
        def __repr__(self) -> str:
            raise RuntimeError

    assert ContentPolicy("masked").clean({"model": Model(answer="a@b.kr"), "x": Opaque(), "kind": Model}) == {
        "model": {"answer": "[email]"},
        "x": "<Opaque>",
        "kind": "<ModelMetaclass>",
    }
    deep: Any = "end"
    for _ in range(100):
        deep = [deep]
    assert "end" not in repr(ContentPolicy("full").clean(deep))
