"""The OpenAPI document. `python -m everytoken.server.openapi` prints it; the page's types are made from it."""

import sys
from typing import Any

import orjson
from fastapi import FastAPI


def complete(app: FastAPI) -> None:
    """Say what FastAPI leaves out: an answer always holds every field of its row, `null` where it is not known."""
    document_of = app.openapi

    def openapi() -> dict[str, Any]:
        document = document_of()
        for name, schema in document["components"]["schemas"].items():
            if "properties" in schema and not name.endswith("Body"):  # what is asked may leave things out
                schema["required"] = list(schema["properties"])
        return document

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way to extend the document


def main() -> None:
    from everytoken.config import Settings
    from everytoken.server.app import create_app

    document = create_app(Settings()).openapi()
    sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


if __name__ == "__main__":
    main()
