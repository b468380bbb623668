"""OpenAI beyond text: images, audio, realtime, video, moderation, and the lines of a batch."""

from decimal import Decimal, InvalidOperation

from everytoken.core.extract.openai_chat import chat, embeddings, input_modality, openai_draft, usage_object
from everytoken.core.extract.openai_responses import assume_image_output, responses, svg_child
from everytoken.core.extract.reading import first, get, is_record, items, plain, text
from everytoken.core.extract.result import (
    ChildUsage,
    Context,
    Extraction,
    batched,
    combined,
    extraction,
    nothing,
    served_tier,
)
from everytoken.core.usage import Draft

_MAX_NUMBER = 32
"""Characters of a number that arrives as text."""


def images(raw: object, context: Context) -> Extraction:
    """Generated or edited images: tokens where the model reports them (gpt-image), else a number of images (dall-e)."""
    usage = usage_object(raw)
    child = svg_child(get(raw, "svg_usage"))
    children = () if child is None else (child,)
    if is_record(usage):
        d = openai_draft(usage, served_tier(None, context))
        assume_image_output(d, usage)
        return extraction(d, raw, children)
    made = len(items(get(raw, "data"))) or context.get("n")
    if not made or "gpt-image" in (text(context.get("model")) or ""):
        return nothing("absent", raw)
    d = Draft(tier=served_tier(None, context), one_sided=True)
    d.meter("images", made)
    return extraction(d, raw, children)


def images_stream_completed(raw: object, context: Context) -> Extraction:
    """The event that ends an image stream, or all its events; its output tokens are the image's."""
    if isinstance(raw, list | tuple):
        raw = next((event for event in reversed(raw) if get(event, "usage") is not None), None)
    return images(raw, context)


def transcription(raw: object, context: Context) -> Extraction:
    """Speech to text: tokens or seconds, whichever the model is billed by. Also the events of its stream."""
    if isinstance(raw, list | tuple):
        raw = next((event for event in reversed(raw) if get(event, "usage") is not None), None)
    usage = usage_object(raw)
    if usage is None:
        return _seconds(first(raw, "duration"), raw, context)
    if not is_record(usage):
        return nothing("unreadable", raw)
    d = openai_draft(usage, served_tier(None, context))
    if get(usage, "type") == "duration" or d.is_empty:
        d.meter("audio_seconds", get(usage, "seconds"))
    input_modality(d, context)
    return extraction(d, raw)


def translation(raw: object, context: Context) -> Extraction:
    """Speech in another language to English text: no usage, billed by the length of the recording if it is known."""
    return _seconds(get(raw, "duration"), raw, context)


def speech(raw: object, context: Context) -> Extraction:
    """Text to speech: a stream's closing event has usage; `tts-…` models are billed by the request's characters."""
    event = next((e for e in reversed(items(raw)) if get(e, "usage") is not None), raw)
    usage = usage_object(event)
    if is_record(usage):
        d = openai_draft(usage, served_tier(None, context))
        d.outputs.setdefault("audio", d.output_tokens)
        return extraction(d, event)
    if not (text(context.get("model")) or "").startswith("tts-"):
        return nothing("absent", raw)  # newer models bill audio tokens, which no answer in bytes tells
    d = Draft(tier=served_tier(None, context), one_sided=True)
    asked = context.get("input")
    d.meter("characters", len(asked) if isinstance(asked, str) else context.get("characters"))
    return nothing("absent", raw) if d.is_empty else extraction(d, raw)


def moderation(raw: object, context: Context) -> Extraction:
    """Moderation is free: a known zero."""
    if get(raw, "results") is None:
        return nothing("absent", raw)
    return extraction(Draft(input_tokens=0, output_tokens=0, tier=served_tier(None, context)), raw)


def realtime(raw: object, context: Context) -> Extraction:
    """`response.done` of a realtime session, or all events of one: each response reports for itself alone.

    Input transcription is billed at the speech model's price and becomes a child.
    """
    if isinstance(raw, list | tuple):
        found = [
            realtime(event, context) for event in raw if get(event, "usage") or get(get(event, "response"), "usage")
        ]
        return combined(found)
    if text(get(raw, "type")) == "conversation.item.input_audio_transcription.completed":
        heard = transcription(raw, {})
        model = text(context.get("transcription_model"))
        child = () if heard.usage is None else (ChildUsage(name="input_transcription", model=model, usage=heard.usage),)
        return Extraction(usage=None, reason="absent", children=child)
    response = get(raw, "response") if is_record(get(raw, "response")) else raw
    usage = usage_object(response)
    if not is_record(usage):
        return nothing("absent" if usage is None else "unreadable", response)
    return extraction(openai_draft(usage, served_tier(get(response, "service_tier"), context)), response)


def live(raw: object, context: Context) -> Extraction:
    """`session.usage.updated`: the seconds of the session so far, never summed over events."""
    events = items(raw) or [raw]
    last = next((e for e in reversed(events) if get(get(e, "usage"), "seconds") is not None), None)
    return nothing("absent") if last is None else _seconds(get(get(last, "usage"), "seconds"), last, context)


def video(raw: object, context: Context) -> Extraction:
    """A finished video is billed by its seconds; one that failed or still waits is not."""
    if get(raw, "status") not in (None, "completed"):
        return nothing("absent", raw)
    return _seconds(get(raw, "seconds"), raw, context, meter="video_seconds")


def batch_line(raw: object, context: Context) -> Extraction:
    """One line of a batch's output file, at batch rates, or the batch with its aggregate. Use lines or aggregate."""
    if get(raw, "object") == "batch":
        return batched(chat(raw, context).with_usage(warning="usage_merged_hops"))
    response = get(raw, "response")
    body = get(response, "body") if is_record(get(response, "body")) else response
    if not is_record(body):
        return nothing("absent", raw)
    return batched(_batch_body(body, context))


def _batch_body(body: object, context: Context) -> Extraction:
    kind = text(get(body, "object")) or ""
    if kind.startswith("response"):
        return responses(body, context)
    if kind == "list":
        return embeddings(body, context)
    if get(body, "results") is not None:
        return moderation(body, context)
    if not kind and get(body, "data") is not None:
        return images(body, context)
    return chat(body, context)


def _seconds(reported: object, raw: object, context: Context, meter: str = "audio_seconds") -> Extraction:
    usage = get(raw, "usage")
    d = Draft(raw=plain(usage) if is_record(usage) else {}, tier=served_tier(None, context), one_sided=True)
    d.meter(meter, _number(context.get(meter) if reported is None else reported))
    return nothing("absent", raw) if d.is_empty else extraction(d, raw)


def _number(value: object) -> object:
    """A duration, which some endpoints send as text."""
    if isinstance(value, str) and len(value) <= _MAX_NUMBER:
        try:
            return Decimal(value)
        except InvalidOperation:
            return None
    return value
