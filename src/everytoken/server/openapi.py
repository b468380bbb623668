"""The OpenAPI document. `python -m everytoken.server.openapi` prints it; the page's types are made from it."""

import ast
import inspect
import sys
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from types import ModuleType
from typing import Any

import orjson
from fastapi import FastAPI

from everytoken.server.examples import EXAMPLES
from everytoken.server.parameters import PARAMETERS

PREFIX = "/everytoken/v1/"
SECURITY = {
    "key": {
        "type": "apiKey",
        "in": "header",
        "name": "x-api-key",
        "description": "`everytoken keys create` makes one.",
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "The same key, as Prometheus and most clients send it.",
    },
    "login": {"type": "apiKey", "in": "cookie", "name": "everytoken_session", "description": "What the page has."},
}
"""None of them is asked for on a server that listens to its own machine alone and has no key."""


def complete(app: FastAPI) -> None:
    """Say what FastAPI leaves out: what parameters and fields mean, how to log in, and that every field is there."""
    document_of = app.openapi

    def openapi() -> dict[str, Any]:
        document = document_of()  # made anew when routes were added
        if "securitySchemes" not in document["components"]:
            _complete(document)
        return document

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way to extend the document


def _complete(document: dict[str, Any]) -> None:
    components = document["components"]
    texts = field_texts(frozenset(components["schemas"]))
    for name, schema in components["schemas"].items():
        if "properties" in schema and not name.endswith("Body"):  # what is asked may leave things out
            schema["required"] = list(schema["properties"])  # an answer holds every field, `null` where not known
        for field, shape in schema.get("properties", {}).items():
            if field in texts.get(name, {}):
                shape.setdefault("description", texts[name][field])
        if name in EXAMPLES:
            schema["examples"] = [EXAMPLES[name]]
    components["securitySchemes"] = SECURITY
    document["security"] = [{}, *({name: []} for name in SECURITY)]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            operation["tags"] = [_tag(path)]
            for parameter in operation.get("parameters", []):
                _describe(parameter)


def _tag(path: str) -> str:
    """The first word after the prefix: `projects`, `traces`, `prices`, …"""
    return path.removeprefix(PREFIX).partition("/")[0]


def _describe(parameter: dict[str, Any]) -> None:
    text, example = PARAMETERS.get(parameter["name"], (None, None))
    if text is not None:
        parameter.setdefault("description", text)
    if example is not None:
        parameter.setdefault("examples", {parameter["name"]: {"value": example}})


@cache
def field_texts(names: frozenset[str]) -> dict[str, dict[str, str]]:
    """Of the classes with these names: field → the docstring beneath it, inherited ones too."""
    modules = [module for name, module in sorted(sys.modules.items()) if name.startswith("everytoken.")]
    return {
        kind.__name__: {
            field: text
            for ancestor in reversed(kind.__mro__)
            if ancestor.__module__.startswith("everytoken.")
            for field, text in _texts_of(sys.modules[ancestor.__module__]).get(ancestor.__name__, {}).items()
        }
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type) and kind.__name__ in names and kind.__module__ == module.__name__
    }


@cache
def _texts_of(module: ModuleType) -> dict[str, dict[str, str]]:
    found = ast.walk(ast.parse(inspect.getsource(module)))
    return {node.name: dict(_documented(node)) for node in found if isinstance(node, ast.ClassDef)}


def _documented(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, below in pairwise(node.body):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, inspect.cleandoc(text)


def main() -> None:
    from everytoken.config import Settings
    from everytoken.server.app import create_app

    document = create_app(Settings()).openapi()
    sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


if __name__ == "__main__":
    main()
