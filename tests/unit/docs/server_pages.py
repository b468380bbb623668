"""What the reference says of server and terminal, from the code: commands, API, metrics, call paths, codes."""

import inspect
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any
from unittest.mock import Mock

import typer
from prometheus_client.metrics_core import Metric
from tests.recorded.call_paths import gemini_rows, openai_rows
from tests.unit.docs.langsmith_page import answered, not_kept
from typer.core import TyperArgument, TyperGroup, TyperOption

from everytoken.cli import COMMANDS
from everytoken.cli.commands import app as cli
from everytoken.config import Settings
from everytoken.core.usage import WARNINGS
from everytoken.ingest.counters import Counters
from everytoken.ingest.live import LiveFeed
from everytoken.ingest.meters import Meters
from everytoken.query.cures import CURES
from everytoken.query.problem_codes import CODES, MEANINGS
from everytoken.server.app import create_app
from everytoken.server.metrics import ALERTED, MEASURED, Alerts, Server, TurnedAway, registry_of

_PRODUCT = "/everytoken/v1"


def table(head: str, rows: Iterable[Iterable[str]]) -> str:
    columns = head.count("|") + 1
    lines = [f"| {head} |", "|" + "---|" * columns]
    lines += ["| " + " | ".join(_cell(one) for one in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def commands() -> str:
    """Each command: what it does, its arguments and options, as `--help` has them."""
    group = typer.main.get_command(cli)
    assert isinstance(group, TyperGroup)
    context = typer.Context(group, info_name="everytoken")
    return "\n\n".join(part for name in COMMANDS for part in _command(name, group.get_command(context, name)))


def _command(name: str, command: Any) -> Iterator[str]:
    yield f"## `everytoken {name}`\n\n{_prose(command.help or COMMANDS[name.split(maxsplit=1)[0]])}"
    if isinstance(command, TyperGroup):
        for short, sub in command.commands.items():
            yield from (text.replace("## ", "### ", 1) for text in _command(f"{name} {short}", sub))
        return
    rows = [_parameter(one) for one in command.params if not getattr(one, "hidden", False)]
    if rows:
        yield table("argument or option | default | meaning", rows)


def _parameter(one: Any) -> tuple[str, str, str]:
    assert isinstance(one, TyperArgument | TyperOption)
    if isinstance(one, TyperArgument):
        shown = f"`{(one.metavar or one.name or '').upper()}`"
    else:
        shown = ", ".join(f"`{name}`" for name in [*one.opts, *one.secondary_opts])
    known = one.default is not None and one.default is not False and not callable(one.default)
    default = "" if not known or one.default in ((), []) else f"`{one.default}`"
    if one.required:
        default = "required"
    variable = f" Also `{one.envvar}`." if isinstance(one.envvar, str) else ""
    return shown, default, f"{one.help or ''}{variable}"


def _prose(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in inspect.cleandoc(text).split("\n\n"))


def api() -> str:
    """Each route of the product: method and path, its sentence, what it takes."""
    document = create_app(Settings()).openapi()
    parts = []
    for path, operations in sorted(document["paths"].items()):
        for method, operation in operations.items():
            if not path.startswith(_PRODUCT):
                continue
            text = f"### `{method.upper()} {path.removeprefix(_PRODUCT)}`\n\n{_prose(operation.get('description', ''))}"
            rows = [_query(one) for one in operation.get("parameters", []) if one["in"] != "path"]
            if rows:
                text += "\n\n" + table("parameter | type | meaning", rows)
            parts.append(text)
    return "\n\n".join(parts)


def _query(one: dict[str, Any]) -> tuple[str, str, str]:
    need = " (required)" if one.get("required") else ""
    return f"`{one['name']}`{need}", _type(one["schema"]), one.get("description", "")


def _type(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"] if one.get("type") != "null")
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    return str(schema.get("format") or schema.get("type") or "any")


def metrics() -> str:
    """Each metric of `/metrics`: name, type, labels, sentence."""
    rows = [
        (f"`{shown_name(family)}`", family.type, ", ".join(f"`{label}`" for label in labels), family.documentation)
        for family, labels in metric_families()
    ]
    return table("metric | type | labels | meaning", rows)


def shown_name(family: Metric) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name


def metric_families() -> Iterator[tuple[Metric, tuple[str, ...]]]:
    """All that the registry of a server holds, with the labels of each.

    The registry is the server's own; what it reads at each scrape is an idle pipeline's.
    """
    pipeline = Mock()
    pipeline.counts.return_value = asdict(Counters())
    pipeline.gauges.return_value = dict.fromkeys(MEASURED, 0)
    pipeline.lag_s.return_value = 0.0
    registry = registry_of(Server(pipeline, LiveFeed(), Mock(max_bytes=0, commits=0, commit_s=0.0)))
    Meters(registry)
    registry.register(TurnedAway({429: 0}))
    registry.register(Alerts(lambda: dict.fromkeys(ALERTED, 0)))
    # What calls cost comes first, then what the server does.
    for collector in sorted(registry._collector_to_names, key=lambda one: not hasattr(one, "_labelnames")):
        labels = getattr(collector, "_labelnames", None)
        for family in collector.collect():
            told = labels if labels is not None else tuple(family.samples[0].labels)
            yield family, tuple(told)


def call_paths() -> str:
    """Every call path the client records: what it stands for."""
    rows: dict[str, tuple[str, str]] = {}
    for provider, found in (("openai", openai_rows()), ("gemini", gemini_rows())):
        for request, endpoint in found:
            if endpoint.is_poll:
                continue
            path = f"{provider}.{endpoint.operation}"
            rows.setdefault(path, (request, endpoint.run_type))
            if endpoint.stream_shape and not path.endswith(".stream"):
                rows.setdefault(f"{path}.stream", (f"{request}, streamed", endpoint.run_type))
    return table("call path | request | run type", [(f"`{path}`", f"`{row[0]}`", row[1]) for path, row in rows.items()])


def warning_codes() -> str:
    return table("code | meaning", [(f"`{code}`", text) for code, text in WARNINGS.items()])


def causes() -> str:
    rows = [
        (f"`{code}`", cure.kind, cure.text, f"`{cure.snippet.splitlines()[0]}`" if cure.snippet else "")
        for code, cure in CURES.items()
    ]
    return table("code | about | meaning | cure", rows)


def problem_codes() -> str:
    return table("code | meaning", [(f"`{code}`", MEANINGS[code]) for code in CODES])


def server_pages() -> dict[tuple[str, str], str]:
    """Page and name of a generated part → the part."""
    return {
        ("cli.md", "commands"): commands(),
        ("api.md", "routes"): api(),
        ("metrics.md", "metrics"): metrics(),
        ("langsmith.md", "answered"): table("request | query | body", answered()),
        ("langsmith.md", "not kept"): table("what | paths | instead", not_kept()),
        ("call-paths.md", "call paths"): call_paths(),
        ("codes.md", "warning codes"): warning_codes(),
        ("codes.md", "causes"): causes(),
        ("codes.md", "problem codes"): problem_codes(),
    }
