"""OpenAI's Responses API: usage, the tools it hosts, and the models that work inside a response."""

from everytoken.core.extract.openai_chat import openai_draft, usage_object
from everytoken.core.extract.reading import get, is_record, items, text
from everytoken.core.extract.result import ChildUsage, Context, Extraction, extraction, nothing, served_tier
from everytoken.core.usage import Draft

_TERMINAL = ("response.completed", "response.incomplete", "response.failed", "response.done", "response.cancelled")
MAX_OUTPUT_ITEMS = 10_000
"""Output items read of one response. More tool calls than that are not made in one request."""


def responses(raw: object, context: Context) -> Extraction:
    """A response, a compacted response or a decision; also the event that ends a stream, or the list of all events."""
    if isinstance(raw, list | tuple):
        return responses_stream(raw, context)
    response = get(raw, "response") if is_record(get(raw, "response")) else raw
    if get(response, "object") == "response.input_tokens":
        return nothing("not_usage", response)
    children = child_usages(response)
    usage = usage_object(response)
    if not is_record(usage):
        empty = nothing("absent" if usage is None else "unreadable", response)
        return Extraction(
            usage=None,
            reason=empty.reason,
            response_id=empty.response_id,
            response_model=empty.response_model,
            children=children,
        )
    d = openai_draft(usage, served_tier(get(response, "service_tier"), context))
    if not d.is_empty:  # fees alone would turn a usage of nulls into 0 tokens
        read_tool_meters(d, response)
    return extraction(d, response, children)


def responses_stream(raw: object, context: Context) -> Extraction:
    """The events of a stream. Completed, incomplete and failed are alike: each bills what it reports."""
    events = items(raw)
    for event in reversed(events):
        if text(get(event, "type")) in _TERMINAL or get(get(event, "response"), "usage") is not None:
            return responses(event, context)
    started = next((get(e, "response") for e in events if get(e, "response") is not None), None)
    return nothing("absent", started)


def read_tool_meters(d: Draft, response: object) -> None:
    """Fees per call: the billable number where the response tells it, else a count of the calls themselves."""
    output = items(get(response, "output"))[:MAX_OUTPUT_ITEMS]
    tools = items(get(response, "tools"))[:MAX_OUTPUT_ITEMS]
    kinds = {text(get(tool, "type")) or "" for tool in tools}
    preview = any(kind.startswith("web_search_preview") for kind in kinds) and "web_search" not in kinds
    billable = get(get(get(response, "tool_usage"), "web_search"), "num_requests")
    searches = sum(1 for item in output if _is_search(item)) if billable is None else d.count(billable)
    d.meter("web_search_preview" if preview else "web_search", searches)
    d.meter("file_search", sum(1 for item in output if get(item, "type") == "file_search_call"))
    sessions = {text(get(item, "container_id")) for item in output if get(item, "type") == "code_interpreter_call"}
    d.meter(_session_meter(tools), len(sessions))


def _is_search(item: object) -> bool:
    # `open_page` and `find_in_page` are free; older responses name no action and always searched.
    return get(item, "type") == "web_search_call" and text(get(get(item, "action"), "type")) in (None, "search")


def _session_meter(tools: object) -> str:
    """Containers above the default 1 GB have prices of their own, so they are meters of their own."""
    for tool in items(tools):
        size = text(get(get(tool, "container"), "memory_limit"))
        if get(tool, "type") == "code_interpreter" and size and size != "1g":
            return f"code_session_{size}"
    return "code_session"


def child_usages(response: object) -> tuple[ChildUsage, ...]:
    """What other models did inside this response: billed beside `usage`, at their own rates."""
    children = []
    image = get(get(response, "tool_usage"), "image_gen")
    if is_record(image):
        d = openai_draft(image)
        d.inputs["cache_read"] = d.count(get(image, "cached_tokens"))
        d.inputs["cache_read_image"] = d.count(get(get(image, "cached_tokens_details"), "cached_image_tokens"))
        assume_image_output(d, image)
        if d.input_tokens or d.output_tokens:
            children.append(ChildUsage(name="image_generation", model=_image_model(response), usage=d.finish()))
    for item in items(get(response, "output"))[:MAX_OUTPUT_ITEMS]:
        child = svg_child(get(item, "svg_usage"))
        if child:
            children.append(child)
    return tuple(children)


def svg_child(svg: object) -> ChildUsage | None:
    """The language model that drew an SVG: reasoning stands flat beside the totals."""
    if not is_record(svg):
        return None
    d = openai_draft(svg)
    d.outputs["reasoning"] = d.count(get(svg, "reasoning_tokens"))
    return None if d.is_empty else ChildUsage(name="svg", model=text(get(svg, "model")), usage=d.finish())


def assume_image_output(d: Draft, usage: object) -> None:
    """Without output details, an image model's output tokens are the image's (openai SDK, field documentation)."""
    if get(usage, "output_tokens_details") is None:
        d.outputs["image"] = d.output_tokens


def _image_model(response: object) -> str | None:
    for tool in items(get(response, "tools")):
        if get(tool, "type") == "image_generation":
            return text(get(tool, "model"))
    return None
