"""All eleven call paths, once each: what `eco2 paths` prints, and the proof that none is left uncounted."""

import base64
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from eco2 import answers, prompts
from eco2.agent import make_kit
from eco2.kit import Kit
from eco2.llm import ChatModel, Image, Prompt
from eco2.settings import Settings
from eco2.telemetry import PATHS, CallRecord, Telemetry, plain_decimal, root_run

QUESTION = "투명 페트병은 어떻게 버리나요?"
PIXEL = Image(
    base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGD4DwABBAEAX+XDSwAAAABJRU5ErkJggg=="
    ),
    "image/png",
)
"""The smallest picture: one transparent point."""


class _Seen:
    def __init__(self) -> None:
        self.records: list[CallRecord] = []

    def record(self, record: CallRecord) -> None:
        self.records.append(record)


async def run_paths(settings: Settings) -> list[dict[str, Any]]:
    """One row a path, in order: its calls and how well their usage is known.

    Raises:
        RequestError: a provider has no key.
    """
    seen = _Seen()
    settings = settings.model_copy(update={"provider": "openai", "node_providers": {"answer": "google"}})
    async with httpx.AsyncClient() as client:
        kit = make_kit(settings, Telemetry(meter=seen), client)
        errors = {number: await _run_one(number, work) for number, work in _work(kit).items()}
        for model in kit.models.values():
            await model.close()
    return [
        _row(number, [record for record in seen.records if record.path.number == number], errors[number])
        for number in PATHS
    ]


async def _run_one(number: int, work: Callable[[], Awaitable[object]]) -> str | None:
    """What went wrong, or `None`. Each path is a trace of its own."""
    name = f"path-{number}-{PATHS[number].name}"
    try:
        with root_run(name, {"message": QUESTION}, tags=["eco2-paths"]):
            await work()
    except Exception as error:  # noqa: BLE001  a path that fails is a row of the table
        return f"{type(error).__name__}: {error}"
    return None


def _work(kit: Kit) -> dict[int, Callable[[], Awaitable[object]]]:
    openai, google = kit.models["openai"], kit.models["google"]

    def ask(node: str, system: str) -> Prompt:
        return Prompt(node=node, system=system, user=QUESTION)

    async def read(model: ChatModel) -> None:
        async for _piece in model.stream(ask("answer", prompts.ANSWER)):
            pass

    async def paint() -> None:
        if kit.painter is not None:
            await kit.painter.paint(ask("image_generation", prompts.IMAGE), "1:1", "1K")

    return {
        1: lambda: openai.complete(ask("character", prompts.CHARACTER)),
        2: lambda: read(openai),
        3: lambda: openai.call_function(ask("location", prompts.FUNCTION), answers.SEARCH_PLACE),
        4: lambda: openai.search(ask("web_search", prompts.WEB_SEARCH)),
        5: lambda: google.complete(ask("character", prompts.CHARACTER)),
        6: lambda: read(google),
        7: lambda: google.call_function(ask("location", prompts.FUNCTION), answers.SEARCH_PLACE),
        8: lambda: google.structured(ask("intent", prompts.INTENT), "intent", answers.IntentAnswer),
        9: lambda: google.search(ask("web_search", prompts.WEB_SEARCH)),
        10: lambda: google.see(ask("vision", prompts.VISION), PIXEL, "vision", answers.VisionAnswer),
        11: paint,
    }


def _row(number: int, records: list[CallRecord], error: str | None) -> dict[str, Any]:
    usages = [record.usage for record in records if record.usage]
    costs = [record.cost_usd for record in records if record.cost_usd is not None]
    exact = sum(usage.source == "provider" for usage in usages)
    return {
        "path": number,
        "name": PATHS[number].name,
        "mechanism": PATHS[number].mechanism,
        "calls": len(records),
        "exact": exact,
        "partial": sum(usage.source == "partial" for usage in usages),
        "estimated": sum(usage.source == "estimated" for usage in usages),
        "missing": len(records) - len(usages),
        "input_tokens": sum(usage.input_tokens for usage in usages),
        "output_tokens": sum(usage.output_tokens for usage in usages),
        "cost_usd": plain_decimal(sum(costs[1:], costs[0])) if costs else None,
        "error": error,
    }


def table(rows: list[dict[str, Any]]) -> str:
    """The coverage table for a terminal."""
    lines = [f"{'':2} {'path':26} {'in':>6} {'out':>6} {'USD':>11}  usage"]
    for row in rows:
        covered = row["calls"] > 0 and row["exact"] == row["calls"]
        told = row["mechanism"] if covered else row["error"] or "no usage"
        cost = row["cost_usd"] or "unpriced"
        lines.append(
            f"{row['path']:2} {row['name']:26} {row['input_tokens']:6} {row['output_tokens']:6} {cost:>11}  "
            f"{'✓' if covered else '✗'} {told}"
        )
    covered_paths = sum(row["calls"] > 0 and row["exact"] == row["calls"] for row in rows)
    return "\n".join([*lines, f"{covered_paths} of {len(rows)} call paths exact"])


def coverage(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The rows by the name of their path."""
    return {row["name"]: {key: value for key, value in row.items() if key != "name"} for row in rows}
