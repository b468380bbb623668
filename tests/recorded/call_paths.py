"""The tables of call paths in `docs/integrations`, made from `everytoken.instrument.endpoint`.

`python -m tests.recorded.call_paths --write` renews them.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from everytoken.instrument import endpoint as table
from everytoken.instrument.endpoint import Endpoint

PAGES = Path(__file__).parents[2] / "docs" / "integrations"
BEGIN, END = "<!-- call paths: python -m tests.recorded.call_paths --write -->", "<!-- end of call paths -->"


def openai_rows() -> Iterator[tuple[str, Endpoint]]:
    """Request → operation, for the page of openai."""
    yield from ((f"POST {path}", found) for path, found in table._OPENAI_POST.items())
    for method, path in (
        ("GET", "/v1/responses/{id}"),
        ("POST", "/v1/responses/{id}/cancel"),
        ("GET", "/v1/files/{id}/content"),
    ):
        found = table.openai_endpoint(method, path)
        assert found is not None, path
        yield f"{method} {path.removeprefix('/v1')}", found


def gemini_rows() -> Iterator[tuple[str, Endpoint]]:
    """Request → operation, for the page of google-genai."""
    yield from ((f"POST …:{verb}", found) for verb, found in table._GEMINI.items())
    for method, path in (("POST", "/v1beta/interactions"), ("GET", "/v1beta/interactions/{id}")):
        found = table.interaction_endpoint(method, path)
        assert found is not None, path
        yield f"{method} {path.removeprefix('/v1beta')}", found


def rendered(provider: str, rows: Iterable[tuple[str, Endpoint]]) -> str:
    """A table as Markdown."""
    lines = ["| request | call path | streamed | run type | usage is read as |", "|---|---|---|---|---|"]
    for request, found in rows:
        path = f"{provider}.{found.operation}"
        streamed = f"`{path}.stream`" if found.stream_shape and not path.endswith(".stream") else ""
        kind = "none: a read, no call" if found.is_poll else found.run_type
        lines.append(f"| `{request}` | `{path}` | {streamed} | {kind} | `{found.stream_shape or found.shape}` |")
    return "\n".join(lines)


def expected() -> dict[str, str]:
    """Page → its generated part."""
    return {"openai.md": rendered("openai", openai_rows()), "google-genai.md": rendered("gemini", gemini_rows())}


def written(page: str) -> str:
    return (PAGES / page).read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0].strip()


def main() -> int:
    for page, content in expected().items():
        head, _, rest = (PAGES / page).read_text(encoding="utf-8").partition(BEGIN)
        tail = rest.partition(END)[2]
        (PAGES / page).write_text(f"{head}{BEGIN}\n\n{content}\n\n{END}{tail}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
