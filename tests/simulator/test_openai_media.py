"""Embeddings, pictures, sound, moderation, files and batches through the real client, usage against the ledger."""

import base64
import io
import json
import wave
from typing import Any

import httpx
import openai
import pytest

from everytoken.simulator.serve import Simulator

PNG = b"\x89PNG\r\n\x1a\n"


def sound(seconds: float) -> tuple[str, bytes]:
    content = io.BytesIO()
    with wave.open(content, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(8_000)
        writer.writeframes(bytes(int(seconds * 16_000)))
    return "clip.wav", content.getvalue()


def billed(simulator: Simulator) -> dict[str, Any]:
    (entry,) = simulator.ledger()
    bill: dict[str, Any] = entry["billed"]
    return bill


def test_embeddings_are_unit_vectors_billed_as_input(simulator: Simulator, client: openai.OpenAI) -> None:
    response = client.embeddings.create(model="text-embedding-3-small", input=["유리병", "종이"], dimensions=16)
    assert [len(entry.embedding) for entry in response.data] == [16, 16]
    assert sum(value * value for value in response.data[0].embedding) == pytest.approx(1.0, abs=1e-5)
    plain = client.embeddings.create(
        model="text-embedding-3-small", input="유리병", dimensions=16, encoding_format="float"
    )
    assert plain.data[0].embedding == pytest.approx(response.data[0].embedding, abs=1e-6)
    assert [entry["billed"]["input"] for entry in simulator.ledger()] == [
        response.usage.prompt_tokens,
        plain.usage.prompt_tokens,
    ]
    assert [entry["billed"]["output"] for entry in simulator.ledger()] == [0, 0]


def test_embedding_is_found_again_by_its_request_id(simulator: Simulator, client: openai.OpenAI) -> None:
    raw = client.embeddings.with_raw_response.create(model="text-embedding-3-small", input="유리병")
    assert raw.headers["x-request-id"] == simulator.ledger()[0]["request_id"]


def test_picture_costs_image_tokens_by_quality_and_size(simulator: Simulator, client: openai.OpenAI) -> None:
    response = client.images.generate(model="gpt-image-1", prompt="초록 언덕", quality="low", size="1536x1024", n=2)
    assert response.data is not None
    assert all(base64.b64decode(image.b64_json or "").startswith(PNG) for image in response.data)
    assert response.usage is not None
    assert response.usage.output_tokens_details is not None
    assert response.usage.output_tokens_details.image_tokens == response.usage.output_tokens == 800
    bill = billed(simulator)
    assert (bill["input"], bill["output"], bill["output_image"], bill["images"]) == (
        response.usage.input_tokens,
        800,
        800,
        2,
    )


def test_streamed_picture_tells_usage_on_its_last_event(simulator: Simulator, client: openai.OpenAI) -> None:
    events = list(
        client.images.generate(model="gpt-image-1", prompt="언덕", stream=True, partial_images=2, quality="low")
    )
    assert [event.type for event in events] == ["image_generation.partial_image"] * 2 + ["image_generation.completed"]
    last = events[-1]
    assert last.type == "image_generation.completed"
    assert last.usage.output_tokens == billed(simulator)["output"] == 272 + 200


def test_edit_reads_the_picture_it_is_given(simulator: Simulator, client: openai.OpenAI) -> None:
    response = client.images.edit(model="gpt-image-1", image=("a.png", PNG), prompt="더 밝게", quality="low")
    assert response.usage is not None
    assert response.usage.input_tokens_details.image_tokens == billed(simulator)["input_image"] == 765
    assert simulator.ledger()[0]["api"] == "images.edit"


def test_transcription_is_billed_in_tokens_or_in_seconds(simulator: Simulator, client: openai.OpenAI) -> None:
    tokens = client.audio.transcriptions.create(model="gpt-4o-transcribe", file=sound(3.0))
    seconds = client.audio.transcriptions.create(model="whisper-1", file=sound(3.0))
    first, second = (entry["billed"] for entry in simulator.ledger())
    assert tokens.usage is not None
    assert tokens.usage.type == "tokens"
    assert (tokens.usage.input_tokens, tokens.usage.output_tokens) == (first["input"], first["output"])
    assert first["input_audio"] == 30
    assert seconds.usage is not None
    assert seconds.usage.type == "duration"
    assert seconds.usage.seconds == second["seconds"] == 3.0
    assert (second["input"], second["output"]) == (0, 0)


def test_streamed_transcription_ends_with_its_usage(simulator: Simulator, client: openai.OpenAI) -> None:
    events = list(client.audio.transcriptions.create(model="gpt-4o-transcribe", file=sound(1.0), stream=True))
    last = events[-1]
    assert last.type == "transcript.text.done"
    assert last.usage is not None
    assert "".join(event.delta for event in events if event.type == "transcript.text.delta") == last.text
    assert last.usage.total_tokens == billed(simulator)["input"] + billed(simulator)["output"]


def test_text_and_translation_are_billed_without_a_word_of_usage(simulator: Simulator, client: openai.OpenAI) -> None:
    with pytest.warns(DeprecationWarning, match="deprecated"):
        client.audio.translations.create(model="whisper-1", file=sound(2.0))
    text = client.audio.transcriptions.create(model="whisper-1", file=sound(2.0), response_format="text")
    assert isinstance(text, str)
    assert [(entry["billed"]["seconds"], entry["usage_sent"]) for entry in simulator.ledger()] == [(2.0, False)] * 2


def test_speech_bills_characters_or_hidden_audio_tokens(simulator: Simulator, client: openai.OpenAI) -> None:
    spoken = client.audio.speech.create(model="tts-1", voice="alloy", input="안녕하세요", response_format="wav")
    assert spoken.content[:4] == b"RIFF"
    client.audio.speech.create(model="gpt-4o-mini-tts", voice="alloy", input="안녕하세요")
    first, second = simulator.ledger()
    assert (first["billed"]["characters"], first["billed"]["output"]) == (5, 0)
    assert (second["billed"]["output_audio"], second["usage_sent"]) == (17, False)


def test_speech_events_end_with_usage(simulator: Simulator, client: openai.OpenAI) -> None:
    with client.audio.speech.with_streaming_response.create(
        model="gpt-4o-mini-tts", voice="alloy", input="안녕하세요", stream_format="sse"
    ) as response:
        told = [json.loads(line.removeprefix("data: ")) for line in response.iter_lines() if line.startswith("data: ")]
    assert told[-1]["type"] == "speech.audio.done"
    assert told[-1]["usage"]["output_tokens"] == billed(simulator)["output"] == 17


def test_moderation_is_free(simulator: Simulator, client: openai.OpenAI) -> None:
    response = client.moderations.create(input="유리병")
    assert not response.results[0].flagged
    assert not any(billed(simulator).values())


def test_models_are_listed(client: openai.OpenAI) -> None:
    assert "gpt-5.2" in [model.id for model in client.models.list()]
    assert client.models.retrieve("gpt-5.2").owned_by == "openai"


def test_batch_tells_usage_on_its_lines_and_on_itself(simulator: Simulator, client: openai.OpenAI) -> None:
    body = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "유리병은?"}]}
    lines = [
        json.dumps({"custom_id": f"line-{number}", "method": "POST", "url": "/v1/chat/completions", "body": body})
        for number in range(3)
    ]
    wrong = json.dumps(
        {"custom_id": "wrong", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "gpt-4.1"}}
    )
    uploaded = client.files.create(file=("in.jsonl", "\n".join([*lines, wrong]).encode()), purpose="batch")
    created = client.batches.create(input_file_id=uploaded.id, endpoint="/v1/chat/completions", completion_window="24h")
    assert (created.status, created.usage) == ("validating", None)
    done = client.batches.retrieve(created.id)
    assert done.status == "completed"
    assert done.request_counts is not None
    assert (done.request_counts.total, done.request_counts.completed, done.request_counts.failed) == (4, 3, 1)
    assert done.output_file_id is not None
    answers = [json.loads(line) for line in client.files.content(done.output_file_id).text.splitlines()]
    usages = [answer["response"]["body"]["usage"] for answer in answers]
    entries = simulator.ledger()
    assert [answer["response"]["body"]["id"] for answer in answers] == [entry["response_id"] for entry in entries]
    assert [(u["prompt_tokens"], u["completion_tokens"]) for u in usages] == [
        (entry["billed"]["input"], entry["billed"]["output"]) for entry in entries
    ]
    assert {(entry["tier"], entry["usage_sent"]) for entry in entries} == {("batch", True)}
    assert done.usage is not None
    assert done.usage.total_tokens == sum(u["total_tokens"] for u in usages)


def test_files_can_be_listed_and_deleted(client: openai.OpenAI) -> None:
    uploaded = client.files.create(file=("a.txt", b"abc"), purpose="user_data")
    assert client.files.retrieve(uploaded.id).bytes == 3
    assert uploaded.id in [file.id for file in client.files.list()]
    client.files.delete(uploaded.id)
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(uploaded.id)


def test_upload_that_is_no_form_is_refused(simulator: Simulator) -> None:
    key = {"authorization": "Bearer simulated"}
    as_json = httpx.post(f"{simulator.urls['openai']}/files", json={}, headers=key)
    torn = httpx.post(
        f"{simulator.urls['openai']}/files",
        content=b"--x\r\nnonsense",
        headers={**key, "content-type": "multipart/form-data; boundary=y"},
    )
    assert [(answer.status_code, "multipart" in answer.text) for answer in (as_json, torn)] == [(400, True)] * 2
