"""The generated pages of `docs/reference`, made from the code: settings and Python names here, the rest beside.

`python -m tests.unit.docs.reference --write` renews them.
"""

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from tests.unit.docs.server_pages import server_pages

import everytoken
from everytoken import langsmith_compat
from everytoken.config import Settings
from everytoken.instrument.settings import TABLE

PAGES = Path(__file__).parents[3] / "docs" / "reference"
BEGIN, END = "<!-- {}: python -m tests.unit.docs.reference --write -->", "<!-- end of {} -->"

_OF_THE_HOOKS = frozenset({"applies_to", "reserve", "settle"})
"""What of a `Budget` is called around each call, and by nobody else."""


def server_rows() -> Iterator[tuple[str, str, str]]:
    """Variable, default and meaning of each setting of the server, from `config.Settings`."""
    for name, field in Settings.model_fields.items():
        yield f"EVERYTOKEN_{name.upper()}", _shown(field.default), field.description or ""


def client_rows() -> Iterator[tuple[str, str, str]]:
    """The same of the client, from `instrument/settings.py`; the argument of `instrument()` is named beside."""
    for setting in TABLE:
        yield setting.variable, _shown(setting.default), f"{setting.sentence} Argument `{setting.name}`."


def settings_table(rows: Iterable[tuple[str, str, str]]) -> str:
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for variable, default, meaning in rows:
        escaped = " ".join(meaning.split()).replace("|", "\\|")
        lines.append(f"| `{variable}` | {default} | {escaped} |")
    return "\n".join(lines)


def _shown(default: Any) -> str:
    if default in (None, (), ""):
        return "not set"
    if isinstance(default, int) and not isinstance(default, bool):
        for power, unit in ((3, "GiB"), (2, "MiB")):
            if default >= 1024**power and default % 1024**power == 0:
                return f"`{default}` ({default // 1024**power} {unit})"
    return f"`{default}`"


def public_names() -> Iterator[tuple[str, Any]]:
    """Everything that an application may import, by the name it imports."""
    for name in everytoken.__all__:
        if name != "__version__":
            yield f"everytoken.{name}", _public(name)


def compat_names() -> Iterator[tuple[str, Any]]:
    for name, value in vars(langsmith_compat).items():
        ours = getattr(value, "__module__", None) == langsmith_compat.__name__
        if ours and not name.startswith("_") and not isinstance(value, ParamSpec | TypeVar):
            yield f"everytoken.langsmith_compat.{name}", value


def _public(name: str) -> Any:
    """`everytoken.instrument` is a package that can be called: the function is what is documented."""
    if name != "instrument":
        return getattr(everytoken, name)
    from everytoken.instrument.session import instrument

    return instrument


def described(names: Iterable[tuple[str, Any]]) -> str:
    return "\n\n".join(_described(name, value) for name, value in names)


def _described(name: str, value: Any) -> str:
    short = name.rpartition(".")[2]
    text = _markdown(inspect.getdoc(value) or "")
    if inspect.isclass(value):
        if issubclass(value, Exception):
            return f"### `{name}`\n\nAn exception. {text}"
        members = [_member(member, found) for member, found in vars(value).items() if _is_told(member, found)]
        return f"### `{name}`\n\n{text}" + ("\n\n" + "\n".join(members) if members else "")
    if not callable(value):
        return f"### `{name}`\n\nA table. {_markdown(inspect.getdoc(type(value)) or '')}"
    return f"### `{name}`\n\n```python\n{_signature(short, value)}\n```\n\n{text}"


def _is_told(member: str, found: Any) -> bool:
    return (
        not member.startswith("_") and bool(inspect.getdoc(found)) and (callable(found) or isinstance(found, property))
    )


def _member(member: str, found: Any) -> str:
    shown = f"`.{member}`" if isinstance(found, property) else f"`.{member}()`"
    return f"- {shown}: {' '.join((inspect.getdoc(found) or '').split())}"


def _signature(short: str, value: Callable[..., Any]) -> str:
    """One line where it fits, else a parameter a line."""
    signature = inspect.signature(value)
    shown = [_parameter(one) for one in signature.parameters.values()]
    kinds = [one.kind for one in signature.parameters.values()]
    if inspect.Parameter.KEYWORD_ONLY in kinds and inspect.Parameter.VAR_POSITIONAL not in kinds:
        shown.insert(kinds.index(inspect.Parameter.KEYWORD_ONLY), "*")
    line = f"{short}({', '.join(shown)})"
    return line if len(line) <= 100 else f"{short}(\n" + "".join(f"    {one},\n" for one in shown) + ")"


def _parameter(one: inspect.Parameter) -> str:
    stars = "*" if one.kind is one.VAR_POSITIONAL else "**" if one.kind is one.VAR_KEYWORD else ""
    kind = one.annotation if isinstance(one.annotation, str) else inspect.formatannotation(one.annotation)
    for module in ("collections.abc.", "typing.", "decimal."):
        kind = kind.replace(module, "")
    typed = "" if one.annotation is one.empty else f": {kind}"
    if one.default is one.empty:
        return f"{stars}{one.name}{typed}"
    return f"{stars}{one.name}{typed} = {one.default!r}" if typed else f"{stars}{one.name}={one.default!r}"


def _markdown(text: str) -> str:
    """A docstring: its `Raises:` becomes a list, each paragraph one line."""
    paragraphs: list[str] = []
    for paragraph in text.split("\n\n"):
        head, _, rest = paragraph.partition("\n")
        if head.strip() == "Raises:":
            raised = [f"- `{line.strip()}`".replace(": ", "`: ", 1).rstrip("`") for line in rest.splitlines()]
            paragraphs.append("Raises:\n\n" + "\n".join(raised))
        else:
            paragraphs.append(" ".join(paragraph.split()))
    return "\n\n".join(paragraphs)


def expected() -> dict[tuple[str, str], str]:
    """Page and name of a generated part → the part."""
    return {
        ("settings.md", "client settings"): settings_table(client_rows()),
        ("settings.md", "server settings"): settings_table(server_rows()),
        ("python.md", "names"): described(public_names()),
        ("python.md", "compatible names"): described(compat_names()),
        **server_pages(),
    }


def written(page: str, part: str) -> str:
    text = (PAGES / page).read_text(encoding="utf-8")
    return text.partition(BEGIN.format(part))[2].partition(END.format(part))[0].strip()


def main() -> int:
    for (page, part), content in expected().items():
        head, _, rest = (PAGES / page).read_text(encoding="utf-8").partition(BEGIN.format(part))
        tail = rest.partition(END.format(part))[2]
        whole = f"{head}{BEGIN.format(part)}\n\n{content}\n\n{END.format(part)}{tail}"
        (PAGES / page).write_text(whole, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
