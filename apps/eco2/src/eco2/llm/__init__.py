"""What the graph asks of a model, whoever serves it. Each provider is one module; nothing else calls a provider."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import BaseModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    node: str
    """Node that asks; the run is tagged with it."""
    system: str
    user: str
    history: tuple[tuple[str, str], ...] = ()
    """Earlier turns, oldest first: (`user` or `assistant`, text)."""
    temperature: float = 0.3
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Function:
    """A function the model is made to call; its arguments are described and checked by `arguments`."""

    name: str
    description: str
    arguments: type[BaseModel]


@dataclass(frozen=True, slots=True)
class Image:
    content: bytes
    mime_type: str


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    text: str
    sources: list[dict[str, str]] = field(default_factory=list)
    """Pages the answer rests on: `title` and `url`."""
    queries: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Picture:
    content: bytes
    mime_type: str
    description: str


class ChatModel(Protocol):
    """One provider's models. Every method is one call path and leaves one `llm` run per provider request."""

    model: str

    async def complete(self, prompt: Prompt) -> str: ...

    def stream(self, prompt: Prompt) -> AsyncIterator[str]: ...

    async def structured(self, prompt: Prompt, name: str, answer: type[BaseModel]) -> dict[str, Any]: ...

    async def call_function(self, prompt: Prompt, function: Function) -> dict[str, Any] | None:
        """Arguments of the call, or `None` if the model would not call."""

    async def search(self, prompt: Prompt) -> SearchAnswer: ...

    async def see(self, prompt: Prompt, image: Image, name: str, answer: type[BaseModel]) -> dict[str, Any]: ...

    async def close(self) -> None: ...


class Painter(Protocol):
    async def paint(self, prompt: Prompt, aspect_ratio: str, size: str) -> Picture | None:
        """The picture, or `None` if the model would not draw."""
