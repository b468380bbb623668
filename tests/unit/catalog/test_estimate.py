"""Estimates by value. True counts of the samples were taken once with tiktoken 0.14 and Gemma 3's tokeniser."""

import base64
import socket
import struct
from pathlib import Path
from typing import Any

import pytest

from everytoken.catalog import estimate
from everytoken.catalog.estimate import (
    Encoding,
    estimate_run,
    estimate_tokens,
    estimate_usage,
    is_reasoning,
    load_encoding,
)
from everytoken.catalog.image_tokens import image_tokens, size_of_data_url
from everytoken.core.run import Run

SAMPLES = Path(__file__).parents[2] / "data" / "estimate"
TRUTH = {  # sample: (o200k, gemma 3)
    "english.txt": (427, 441),
    "korean.txt": (584, 553),
    "python.txt": (562, 673),
    "places.json": (541, 702),
}


def sample(name: str) -> str:
    return (SAMPLES / name).read_text()


def shipped() -> Encoding:
    encoding = load_encoding()
    assert encoding is not None
    return encoding


@pytest.mark.parametrize("name", TRUTH)
def test_the_shipped_vocabulary_counts_openai_text_exactly(name: str) -> None:
    assert estimate_tokens(sample(name), "openai", shipped()) == TRUTH[name][0]


@pytest.mark.parametrize(
    ("name", "off"), [("english.txt", 0.09), ("korean.txt", 0.19), ("python.txt", 0.07), ("places.json", 0.14)]
)
def test_gemini_text_is_within_a_fifth_of_the_truth(name: str, off: float) -> None:
    estimated = estimate_tokens(sample(name), "google", shipped())
    assert abs(estimated / TRUTH[name][1] - 1) <= off


@pytest.mark.parametrize(
    ("name", "estimated"), [("english.txt", 463), ("korean.txt", 569), ("python.txt", 497), ("places.json", 555)]
)
def test_without_a_tokeniser_bytes_give_a_quarter_of_prose_and_a_third_of_json(name: str, estimated: int) -> None:
    assert estimate_tokens(sample(name), "openai", None) == estimated


def test_nothing_is_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    load_encoding.cache_clear()
    assert estimate_tokens("hello world", "openai", shipped()) == 2


def test_damaged_data_is_not_used(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(estimate, "O200K_SHA256", "0" * 64)
    load_encoding.cache_clear()
    assert load_encoding() is None
    assert "damaged" in caplog.text
    load_encoding.cache_clear()


def test_a_very_long_text_is_scaled_up_from_its_beginning() -> None:
    assert estimate_tokens("recycle " * 50_000, "openai", shipped()) == pytest.approx(50_000, rel=0.01)


def test_a_chat_counts_three_tokens_a_message_and_three_for_the_reply() -> None:
    usage = estimate_usage(
        provider="openai",
        model="gpt-4o",
        prompt=[{"role": "system", "content": "hello world"}, {"role": "user", "content": "hello world"}],
        answer="hello world",
        encoding=shipped(),
    )
    assert (usage.input_tokens, usage.output_tokens) == (2 + 2 + 2 * 3 + 3, 2)
    assert (usage.source, usage.warnings) == ("estimated", ())


def test_an_output_of_a_reasoning_model_is_marked_as_a_lower_bound() -> None:
    usage = estimate_usage(provider="openai", model="gpt-5.2", prompt="hi", answer="hello world", encoding=shipped())
    assert usage.warnings == ("estimate_lower_bound",)
    assert usage.output_tokens == 2


def test_an_estimate_by_bytes_says_so() -> None:
    usage = estimate_usage(provider="openai", model="gpt-4o", prompt="twelve bytes", answer=None)
    assert usage.warnings == ("estimate_by_bytes",)
    assert usage.input_tokens == 12 // 4 + 3 + 3


def test_tool_schemas_count_nine_tenths_of_their_json() -> None:
    tool = {"type": "function", "function": {"name": "find_box", "parameters": {}}}
    plain = len(shipped().encode_ordinary('{"type":"function","function":{"name":"find_box","parameters":{}}}'))
    usage = estimate_usage(provider="openai", model="gpt-4o", prompt=[], tools=[tool], encoding=shipped())
    assert usage.input_tokens == round(plain * 0.9) + 3


def test_gemini_contents_are_read_and_have_no_message_overhead() -> None:
    contents = [{"role": "user", "parts": [{"text": "hello world"}]}]
    usage = estimate_usage(provider="google", model="gemini-2.0-flash", prompt=contents, encoding=shipped())
    assert usage.input_tokens == 2  # 2 × 1.12, rounded


def test_images_are_counted_by_their_size_and_linked_ones_are_marked() -> None:
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 2048, 4096)
    url = "data:image/png;base64," + base64.b64encode(png).decode()
    parts = [{"type": "image_url", "image_url": {"url": url, "detail": "high"}}]
    known = estimate_usage(provider="openai", model="gpt-4o", prompt=[{"content": parts}], encoding=shipped())
    assert known.input_token_details == {"image": 1105}
    linked = [{"type": "input_image", "image_url": "https://example.com/a.png"}]
    assumed = estimate_usage(provider="openai", model="gpt-4o", prompt=[{"content": linked}], encoding=shipped())
    assert assumed.input_token_details == {"image": 765}
    assert assumed.warnings == ("estimate_image_size",)


LANGCHAIN = {"lc": 1, "type": "constructor", "kwargs": {"content": "hello world", "type": "human"}}


@pytest.mark.parametrize(
    ("inputs", "outputs", "tokens"),
    [
        ({"messages": [{"role": "user", "content": "hello world"}]},
         {"choices": [{"message": {"content": "hello world"}}]}, (2 + 3 + 3, 2)),
        ({"input": "hello world", "instructions": "hello world"},
         {"output": [{"type": "message", "content": [{"type": "output_text", "text": "hello world"}]}]},
         (4 + 6 + 3, 2)),
        ({"messages": [[LANGCHAIN, LANGCHAIN]]}, {"generations": [[{"text": "hello world", "message": LANGCHAIN}]]},
         (4 + 6 + 3, 2)),
        ({"contents": [{"parts": [{"text": "hello world"}]}]},
         {"candidates": [{"content": {"parts": [{"text": "hello world"}]}}]}, (2 + 3 + 3, 2)),
        ({"messages": [{"content": "hello world"}]}, None, (2 + 3 + 3, 0)),
    ],
)  # fmt: skip
def test_a_run_is_estimated_from_the_prompt_and_answer_it_carries(
    inputs: Any, outputs: Any, tokens: tuple[int, int]
) -> None:
    run = Run(run_id="a", trace_id="a", project="p", run_type="llm", start_us=0, inputs=inputs, outputs=outputs)
    usage = estimate_run(run, provider="openai", model="gpt-4o", encoding=shipped())
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.source) == (*tokens, "estimated")


def test_a_run_that_hides_its_prompt_is_not_estimated() -> None:
    run = Run(run_id="a", trace_id="a", project="p", run_type="llm", start_us=0, inputs={}, outputs={"output": "hi"})
    assert estimate_run(run, provider="openai", model="gpt-4o", encoding=shipped()) is None


@pytest.mark.parametrize("dirt", [None, 7, {"content": {"content": 3}}, [[[[[[[[[["deep"]]]]]]]]]], {1: 2}, [None, {}]])
def test_any_content_is_estimated_without_an_exception(dirt: object) -> None:
    usage = estimate_usage(provider=None, model=None, prompt=dirt, answer=dirt, tools=[dirt])
    assert usage.input_tokens >= 0


@pytest.mark.parametrize(
    ("model", "size", "detail", "tokens"),
    [
        ("gpt-4o", (1024, 1024), "high", 765),  # 768 px: 2 × 2 tiles: 85 + 4 × 170
        ("gpt-4o", (2048, 4096), "high", 1105),  # 768 × 1536: 2 × 3 tiles: 85 + 6 × 170
        ("gpt-4o", (4000, 4000), "low", 85),
        ("gpt-4o-mini", (512, 512), "high", 8500),  # 2833 + 5667
        ("o3", (512, 512), "auto", 225),
        ("gpt-6", (1024, 1024), "auto", 1229),  # 32 × 32 patches × 1.2 = 1228.8
        ("gpt-6", (1920, 1080), "auto", 2448),  # 60 × 34 × 1.2
        ("gpt-6.1-sol", (4032, 3024), "auto", 14364),  # 126 × 95 × 1.2
        ("gpt-4.1-mini", (1800, 2400), "auto", 2353),  # scaled to 33 × 44 patches: 1452 × 1.62 = 2352.24
        ("gemini-2.5-flash", (384, 384), "auto", 258),
        ("gemini-2.5-flash", (1600, 800), "auto", 1548),  # 3 × 2 tiles of 768 px
        ("gemini-3-pro", (1600, 800), "auto", 1120),
        ("models/gemini-3.1-pro", (1600, 800), "MEDIA_RESOLUTION_LOW", 280),
    ],
)
def test_images_count_as_published(model: str, size: tuple[int, int], detail: str, tokens: int) -> None:
    assert image_tokens(model, *size, detail) == tokens


def test_sizes_are_read_from_gif_jpeg_and_webp_headers() -> None:
    gif = b"GIF89a" + struct.pack("<HH", 320, 200)
    jpeg = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08" + struct.pack(">HH", 600, 800) + b"\x03"
    webp = b"RIFF\x00\x00\x00\x00WEBPVP8X" + bytes(8) + (1919).to_bytes(3, "little") + (1079).to_bytes(3, "little")
    sizes = [size_of_data_url(base64.b64encode(image).decode()) for image in (gif, jpeg, webp)]
    assert sizes == [(320, 200), (800, 600), (1920, 1080)]
    assert size_of_data_url("data:image/png;base64,iVBORw0KGgo=") is None


def test_chat_variants_of_reasoning_families_do_not_reason() -> None:
    assert [is_reasoning(m) for m in ("gpt-5.2", "openai/o3", "gemini-3-pro", "gpt-5-chat-latest", "gpt-4o", None)] == [
        True, True, True, False, False, False,
    ]  # fmt: skip
