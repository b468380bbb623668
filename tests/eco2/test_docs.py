"""What the page on the worker says is so."""

import re
from pathlib import Path

from pydantic import AliasChoices

from eco2.metrics import Metrics
from eco2.settings import Settings
from eco2.state import CONTEXT_OF
from eco2.telemetry import PATHS

PAGE = (Path(__file__).parents[2] / "docs" / "eco2.md").read_text()


def test_every_setting_is_on_the_page() -> None:
    for name, field in Settings.model_fields.items():
        aliases = field.validation_alias.choices if isinstance(field.validation_alias, AliasChoices) else []
        variable = str(aliases[0]) if aliases else f"ECO2_{name.upper()}"
        assert f"`{variable}`" in PAGE, variable


def test_every_metric_is_on_the_page() -> None:
    for metric in Metrics("openai").registry.collect():
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name
        assert metric.name == "chat_worker" or f"`{name}`" in PAGE, name


def test_every_call_path_is_on_the_page() -> None:
    assert [f"| {path.number} | `{path.name}` |" in PAGE for path in PATHS.values()] == [True] * 11


def test_every_test_the_page_names_exists() -> None:
    """`test_…` alone is of test_post.py, where the page says so; `file.py::test_…` names its file."""
    folder = Path(__file__).parents[1]
    sources = {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("test_*.py")}
    named = re.findall(r"`(?:([\w/]+\.py)::)?(test_\w+)`", PAGE)
    assert len(named) >= 10
    assert [name for file, name in named if f"def {name}(" not in sources.get(file or "eco2/test_post.py", "")] == []


def test_every_gathering_node_is_in_the_drawing() -> None:
    assert [node for node in CONTEXT_OF if node not in PAGE] == []
