"""The helpers the Eco² post writes by hand, under the names it gives them, made exact.

Everything here runs in the application's process: it never raises, blocks or prints. What could not be counted is
itself counted, see `everytoken.instrument.guard.failures`. Costs are exact `Decimal` dollars, unknown is `None`; the
two tables hold plain floats, so that the post's own arithmetic works on them.
"""

import functools
import inspect
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ParamSpec, TypeVar

from everytoken.catalog import PriceBook
from everytoken.catalog.images import IMAGE_TOKENS, sizes_of, tokens_per_image
from everytoken.catalog.names import canonical_model
from everytoken.core.charge import Cost
from everytoken.core.extract import extract_usage
from everytoken.core.extract.raw_outputs import from_outputs
from everytoken.core.pricing import MONEY
from everytoken.core.projections import to_everytoken, to_langsmith
from everytoken.core.usage import ZERO, Usage
from everytoken.instrument.guard import failed, guarded, logger

P = ParamSpec("P")
R = TypeVar("R")

MAX_NAMES_WARNED = 1_000
"""Unpriced models warned of once each; beyond this many, further ones are silent."""

_LS_PROVIDERS = {"google": "google_genai", "google-vertex": "google_vertexai"}
"""What LangChain calls a provider in `ls_provider`, where it differs from our word."""


class _Prices:
    """The price book in use, and the models already warned of."""

    def __init__(self) -> None:
        self.book = PriceBook()
        self.book.load()  # here and not at the first call, which may stand in an event loop
        self.warned: set[str] = set()

    def cost(self, usage: Usage, model: str) -> Cost:
        cost = self.book.price(usage, provider=None, model=model, at_us=time.time_ns() // 1_000)
        if cost.usd is None and model not in self.warned and len(self.warned) < MAX_NAMES_WARNED:
            self.warned.add(model)
            logger.warning("everytoken: no price for %s (%s); its cost is unknown, not 0", model[:200], cost.reason)
        return cost


_prices = _Prices()


def use_prices(book: PriceBook) -> None:
    """Price with `book` from now on; the tables show it at once."""
    _prices.book = book


def is_langsmith_enabled() -> bool:
    """True when the LangSmith SDK traces here and now, by the SDK's own rules."""
    try:
        from langsmith.utils import tracing_is_enabled

        return bool(tracing_is_enabled())
    except Exception as error:  # noqa: BLE001 the SDK's check must not decide whether the application works
        failed("is_langsmith_enabled", error)
        return False


def calculate_cost(model: str, input_tokens: int, output_tokens: int) -> Decimal | None:
    """US dollars of one request, exactly; `None` for a model without a price or for counts that are none."""
    try:
        usage = _usage(input_tokens, output_tokens)
        return None if usage is None else _prices.cost(usage, model).usd
    except Exception as error:  # noqa: BLE001 never raises into the application
        failed("calculate_cost", error)
        return None


def calculate_image_cost(model: str, size: str, count: int = 1) -> Decimal | None:
    """US dollars of `count` generated images of a size, in any case; `None` when the price is unknown.

    The price of the image alone: the tokens of the prompt are `calculate_cost`'s. Bill an image by its tokens or by
    this, never by both.
    """
    try:
        if not _is_count(count):
            return None
        name = canonical_model(None, model)[1]
        tokens = tokens_per_image(name, size) or 0
        # Image by image: how long a request is never depends on how many images were made before.
        each = Usage(0, tokens, {}, {"image": tokens}, {f"image_{size.strip().lower()}": Decimal(1)})
        usd = _prices.cost(each, model).usd
        return None if usd is None else MONEY.multiply(usd, Decimal(count))
    except Exception as error:  # noqa: BLE001 never raises into the application
        failed("calculate_image_cost", error)
        return None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _usage(input_tokens: Any, output_tokens: Any) -> Usage | None:
    """The usage of two counts; a missing side is 0, as a provider that reports one side means it."""
    if input_tokens is None and output_tokens is None:
        return None
    sent, made = (0 if side is None else side for side in (input_tokens, output_tokens))
    return Usage(sent, made) if _is_count(sent) and _is_count(made) else None


class _ModelPricing(Mapping[str, Mapping[str, float]]):
    """Model → `{"input": …, "output": …}`, standard US dollars per million tokens today: a view of the price book."""

    def __getitem__(self, model: str) -> Mapping[str, float]:
        if not isinstance(model, str):
            raise KeyError(model)
        rates = {row.key: row.usd for row in _prices.book.show(model).rates if row.over is None}
        sides = {"input": rates.get("input_mtok"), "output": rates.get("output_mtok")}
        found = {side: float(usd) for side, usd in sides.items() if usd is not None}
        if not found:
            raise KeyError(model)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(_models())

    def __len__(self) -> int:
        return len(_models())


class _ImagePricing(Mapping[str, Mapping[str, float]]):
    """Model → size → US dollars per image today: a view of the price book. Sizes match in any case."""

    def __getitem__(self, model: str) -> Mapping[str, float]:
        if not isinstance(model, str):
            raise KeyError(model)
        name = canonical_model(None, model)[1]
        sizes = _Sizes(
            {size: cost for size in sizes_of(name) if (cost := calculate_image_cost(model, size)) is not None}
        )
        if not sizes:
            raise KeyError(model)
        return sizes

    def __iter__(self) -> Iterator[str]:
        return (
            model
            for model in IMAGE_TOKENS
            if _prices.book.why_unpriced(provider=None, model=model, at_us=_now_us()) is None
        )

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _Sizes(Mapping[str, float]):
    def __init__(self, usd: Mapping[str, Decimal]) -> None:
        self._usd = {size: float(cost) for size, cost in usd.items()}
        self._folded = {size.lower(): cost for size, cost in self._usd.items()}

    def __getitem__(self, size: str) -> float:
        return self._folded[size.strip().lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._usd)

    def __len__(self) -> int:
        return len(self._usd)


def _models() -> list[str]:
    names = [row.model for row in _prices.book.models() if row.provider in ("openai", "google")]
    return [name for name in dict.fromkeys(names) if name in MODEL_PRICING]


def _now_us() -> int:
    return time.time_ns() // 1_000


MODEL_PRICING: Mapping[str, Mapping[str, float]] = _ModelPricing()
IMAGE_PRICING: Mapping[str, Mapping[str, float]] = _ImagePricing()


@guarded
def track_token_usage(
    run_tree: Any, model: str, input_tokens: int, output_tokens: int, latency_ms: float | None = None
) -> None:
    """Record one request's tokens and cost where LangSmith and everytoken count them: on an llm run.

    On an llm run the usage is set, and a second request of the same model is added. On any other run, or for another
    model, an llm child run of its own is sent, so that nothing is counted on a chain and nothing is overwritten. A run
    whose usage someone else has set already is left alone: it is the same request.
    """
    if not run_tree:
        return
    usage = _usage(input_tokens, output_tokens)
    if usage is None:
        failed("track_token_usage", ValueError("token counts are not counts"))
        return
    _record(run_tree, model, usage, latency_ms)


@guarded
def set_usage(usage: Usage, *, model: str | None = None) -> None:
    """Record the full usage of the request the current llm run makes; for a function under `traceable_llm`."""
    from langsmith.run_helpers import get_current_run_tree

    run_tree = get_current_run_tree()
    if run_tree:
        name = model or run_tree.metadata.get("ls_model_name") or "unknown"
        _record(run_tree, str(name), usage, None)


def _record(run_tree: Any, model: str, usage: Usage, latency_ms: float | None) -> None:
    cost = _prices.cost(usage, model)
    if run_tree.run_type != "llm":
        _add_llm_child(run_tree, model, usage, cost, latency_ms)
        return
    metadata = run_tree.extra.setdefault("metadata", {})
    before = metadata.get("everytoken")
    if before is None and metadata.get("usage_metadata"):
        return
    if before is not None and before.get("request_model") != model:
        _add_llm_child(run_tree, model, usage, cost, latency_ms, beside=True)
        return
    if before is not None:
        usage, cost = _added(before, metadata, usage, cost)
    _set(run_tree, model, usage, cost, latency_ms)


def _added(before: Mapping[str, Any], metadata: Mapping[str, Any], usage: Usage, cost: Cost) -> tuple[Usage, Cost]:
    """Usage and cost with those of the run's earlier requests; costs add up over requests, not over tokens."""
    earlier = extract_usage("everytoken", before).usage or ZERO
    spent = metadata.get("everytoken_cost_usd")
    if cost.usd is None or spent is None:
        return earlier + usage, Cost(usd=None, status="unpriced", reason=cost.reason or "model_unknown")
    return earlier + usage, Cost(usd=MONEY.add(cost.usd, Decimal(spent)), status=cost.status)


def _add_llm_child(
    run_tree: Any, model: str, usage: Usage, cost: Cost, latency_ms: float | None, *, beside: bool = False
) -> None:
    """Send an llm run below `run_tree`, or `beside` an llm run: below one it would tell of the same request."""
    end = datetime.now(UTC)
    start = end - timedelta(milliseconds=latency_ms) if latency_ms and latency_ms > 0 else end
    # A child inherits its parent's metadata: the model must be its own.
    child = run_tree.create_child(name=model, run_type="llm", start_time=start, extra={"metadata": _names(model)})
    if beside:
        above, _, _ = run_tree.dotted_order.rpartition(".")
        own = child.dotted_order.rpartition(".")[2]
        child.parent_run_id = run_tree.parent_run_id
        child.trace_id = run_tree.trace_id if above else child.id
        child.dotted_order = f"{above}.{own}" if above else own
    _set(child, model, usage, cost, latency_ms)
    child.end(end_time=max(end, child.start_time))
    child.post()


def _names(model: str) -> dict[str, str]:
    """Model and provider in the keys LangSmith looks prices up by."""
    provider = canonical_model(None, model)[0]
    known = {} if provider is None else {"ls_provider": _LS_PROVIDERS.get(provider, provider)}
    return {"ls_model_name": model, **known}


def _set(run_tree: Any, model: str, usage: Usage, cost: Cost, latency_ms: float | None, **facts: str | None) -> None:
    """Put usage and cost on an llm run; `facts` identify the response."""
    run_tree.set(usage_metadata=to_langsmith(usage, cost))
    metadata = run_tree.extra["metadata"]
    provider = canonical_model(None, model)[0]
    metadata["everytoken"] = to_everytoken(usage, layer="manual", provider=provider, request_model=model, **facts)
    metadata["everytoken_cost_status"] = cost.status
    for key, value in _names(model).items():
        metadata.setdefault(key, value)
    if cost.usd is None:
        metadata["everytoken_cost_reason"] = cost.reason
        metadata.pop("everytoken_cost_usd", None)
    else:
        metadata["everytoken_cost_usd"] = f"{cost.usd:f}"
    if latency_ms is not None:
        metadata["latency_ms"] = latency_ms


def traceable_llm(model: str = "unknown", name: str | None = None) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Trace a function as an llm run: plain, async, a generator or an async generator.

    Usage is what the function sets with `set_usage` or `track_token_usage`; failing that, what the provider's response
    or the chunks of its stream carry, also when the consumer stops early.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        from langsmith import traceable

        options: dict[str, Any] = {
            "run_type": "llm",
            "name": name or function.__name__,
            "metadata": _names(model),
            "tags": [f"model:{model}", "type:llm"],
        }
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            options["reduce_fn"] = functools.partial(_with_usage, model)
        wrap: Any = traceable(**options)  # the SDK types only some of its own wrappers
        traced: Callable[P, R] = wrap(_observed(function, model))
        return traced

    return decorate


def traceable_tool(name: str | None = None, tool_type: str = "tool") -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Trace a function as a run of type `tool_type`: `tool`, `retriever` or `chain`."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        from langsmith import traceable

        run_name = name or function.__name__
        options: dict[str, Any] = {"run_type": tool_type, "name": run_name}
        wrap: Any = traceable(**options, tags=[f"tool:{run_name}", f"type:{tool_type}"])
        traced: Callable[P, R] = wrap(function)
        return traced

    return decorate


def _observed(function: Callable[..., Any], model: str) -> Any:
    """`function`, whose result is looked at for usage inside its run; the chunks of a generator are seen at its end."""
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        return function
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def observed_async(*args: Any, **kwargs: Any) -> Any:
            result = await function(*args, **kwargs)
            _take_usage(result, model)
            return result

        return observed_async

    @functools.wraps(function)
    def observed(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        _take_usage(result, model)
        return result

    return observed


@guarded
def _take_usage(response: object, model: str) -> None:
    from langsmith.run_helpers import get_current_run_tree

    run_tree = get_current_run_tree()
    if not run_tree or run_tree.run_type != "llm" or run_tree.metadata.get("usage_metadata"):
        return
    found = from_outputs(_plain(response), {"model": model})
    if found.usage is not None:
        cost = _prices.cost(found.usage, found.response_model or model)
        facts = {"response_id": found.response_id, "response_model": found.response_model}
        _set(run_tree, model, found.usage, cost, None, **facts)


def _with_usage(model: str, chunks: Sequence[object]) -> dict[str, object]:
    """The chunks of a stream as outputs, with the usage they carry."""
    outputs: dict[str, object] = {"output": list(chunks)}
    try:
        found = from_outputs(_plain(chunks), {"model": model})
        if found.usage is not None:
            cost = _prices.cost(found.usage, found.response_model or model)
            outputs["usage_metadata"] = to_langsmith(found.usage, cost)
    except Exception as error:  # noqa: BLE001 the stream itself was delivered; only its count is lost
        failed("traceable_llm", error)
    return outputs


def _plain(value: object) -> object:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    dump = getattr(value, "model_dump", None)
    return dump() if callable(dump) and not isinstance(value, type) else value


def get_run_config(
    job_id: str,
    session_id: str | None = None,
    user_id: str | None = None,
    intent: str | None = None,
    tags: list[str] | None = None,
    metadata: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The config of a LangGraph run: named after the job, grouped into a thread by the session.

    `thread_id` stands in the metadata too, where LangSmith groups by it, not only where the checkpointer looks.
    """
    own = {"job_id": job_id, "user_id": user_id, "intent": intent, "session_id": session_id, "thread_id": session_id}
    return {
        "run_name": f"chat:{job_id}",
        "tags": [*(tags or ()), *([f"intent:{intent}"] if intent else ())],
        "metadata": {key: value for key, value in own.items() if value is not None} | (metadata or {}),
        "configurable": {"thread_id": session_id} if session_id else {},
    }
