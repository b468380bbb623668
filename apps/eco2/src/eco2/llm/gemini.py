"""Gemini: plain, streamed, with a forced function, structured, grounded, pictures in and pictures out (paths 5–11)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from google import genai
from google.genai import errors, types
from pydantic import BaseModel

from eco2.llm import Function, Image, Picture, Prompt, SearchAnswer
from eco2.settings import Settings
from eco2.telemetry import LlmCall, Telemetry

REQUEST_TIMEOUT_MS = 120_000
UNUSABLE = 400
"""The request can't be served as it stands: a model or a region without the search tool, for one."""


def is_transient(error: BaseException) -> bool:
    """Whether asking again may help: too many requests, or the server's own fault."""
    return isinstance(error, errors.ServerError) or (isinstance(error, errors.ClientError) and error.code == 429)


class Gemini:
    def __init__(self, settings: Settings, telemetry: Telemetry) -> None:
        self.model = settings.google_model
        self._image_model = settings.image_model
        self._telemetry = telemetry
        self._client = genai.Client(
            api_key=settings.google_api_key.get_secret_value(),
            http_options=types.HttpOptions(
                base_url=settings.google_base_url,
                timeout=REQUEST_TIMEOUT_MS,
                # Each attempt may be billed, so each must be a run of its own: the graph retries, the SDK does not.
                retry_options=types.HttpRetryOptions(attempts=1),
            ),
        )

    async def close(self) -> None:
        await self._client.aio.aclose()
        self._client.close()

    async def complete(self, prompt: Prompt) -> str:
        response = await self._generate(5, prompt, _contents(prompt), _config(prompt))
        return _text(response)

    async def structured(self, prompt: Prompt, name: str, answer: type[BaseModel]) -> dict[str, Any]:
        response = await self._generate(8, prompt, _contents(prompt), _json_config(prompt, name, answer))
        return answer.model_validate_json(_text(response)).model_dump()

    async def see(self, prompt: Prompt, image: Image, name: str, answer: type[BaseModel]) -> dict[str, Any]:
        picture = types.Part.from_bytes(data=image.content, mime_type=image.mime_type)
        contents = _contents(prompt)
        contents[-1].parts = [picture, types.Part.from_text(text=prompt.user)]
        response = await self._generate(10, prompt, contents, _json_config(prompt, name, answer))
        return answer.model_validate_json(_text(response)).model_dump()

    async def call_function(self, prompt: Prompt, function: Function) -> dict[str, Any] | None:
        declaration = types.FunctionDeclaration(
            name=function.name,
            description=function.description,
            parameters_json_schema=function.arguments.model_json_schema(),
        )
        forced = types.FunctionCallingConfig(
            mode=types.FunctionCallingConfigMode.ANY, allowed_function_names=[function.name]
        )
        config = _config(prompt)
        config.tools = [types.Tool(function_declarations=[declaration])]
        config.tool_config = types.ToolConfig(function_calling_config=forced)
        response = await self._generate(7, prompt, _contents(prompt), config)
        calls = response.function_calls
        return function.arguments.model_validate(calls[0].args or {}).model_dump() if calls else None

    async def _generate(
        self,
        path: int,
        prompt: Prompt,
        contents: list[types.Content],
        config: types.GenerateContentConfig,
        model: str | None = None,
    ) -> types.GenerateContentResponse:
        model = model or self.model
        with self._telemetry.llm(path, node=prompt.node, model=model, inputs=_inputs(prompt, config)) as call:
            response = await self._client.aio.models.generate_content(
                model=model,
                contents=contents,
                config=config,
            )
            call.raw = response
            call.outputs = _described(response)
        return response

    async def stream(self, prompt: Prompt) -> AsyncIterator[str]:
        config = _config(prompt)
        with self._telemetry.llm(6, node=prompt.node, model=self.model, inputs=_inputs(prompt, config)) as call:
            async for text, _chunk in self._chunks(call, prompt, config):
                yield text

    async def search(self, prompt: Prompt) -> SearchAnswer:
        """Answer with Google Search as ground; where Gemini refuses the tool, without sources.

        Only before a word was said, and only on a refusal that asking again would not change.
        """
        try:
            return await self._search_grounded(prompt)
        except errors.ClientError as error:
            if error.code != UNUSABLE:
                raise
            return SearchAnswer("".join([piece async for piece in self.stream(prompt)]))

    async def _search_grounded(self, prompt: Prompt) -> SearchAnswer:
        """The searches happen at Google and are told with the answer."""
        config = _config(prompt)
        config.tools = [types.Tool(google_search=types.GoogleSearch())]
        answer = SearchAnswer(text="")
        pieces: list[str] = []
        with self._telemetry.llm(9, node=prompt.node, model=self.model, inputs=_inputs(prompt, config)) as call:
            started = datetime.now(UTC)
            async for text, chunk in self._chunks(call, prompt, config):
                pieces.append(text)
                _note_grounding(chunk, answer)
        with self._telemetry.tool("google_search", {"input": prompt.user}, started=started) as found:
            found["queries"], found["sources"] = answer.queries, answer.sources
        return SearchAnswer("".join(pieces), answer.sources, answer.queries)

    async def _chunks(
        self, call: LlmCall, prompt: Prompt, config: types.GenerateContentConfig
    ) -> AsyncIterator[tuple[str, types.GenerateContentResponse]]:
        """Text and chunk, each as it comes. What the chunks said of usage is on `call` however the stream ends."""
        seen: list[types.GenerateContentResponse] = []
        call.raw = seen
        pieces: list[str] = []
        chunks = await self._client.aio.models.generate_content_stream(
            model=self.model,
            contents=_contents(prompt),
            config=config,
        )
        try:
            async for chunk in chunks:
                seen.append(chunk)  # usage is a running total, told in parts: all chunks together say what it was
                text = _text(chunk)
                if text:
                    call.first_token()
                    pieces.append(text)
                yield text, chunk
        finally:
            call.outputs = {"role": "model", "content": "".join(pieces)}

    async def paint(self, prompt: Prompt, aspect_ratio: str, size: str) -> Picture | None:
        config = _config(prompt)
        config.response_modalities = ["TEXT", "IMAGE"]
        config.image_config = types.ImageConfig(aspect_ratio=aspect_ratio, image_size=size)
        response = await self._generate(11, prompt, _contents(prompt), config, model=self._image_model)
        for part in response.parts or []:
            if part.inline_data and part.inline_data.data:
                mime_type = part.inline_data.mime_type or "image/png"
                return Picture(part.inline_data.data, mime_type, _text(response))
        return None


def _contents(prompt: Prompt) -> list[types.Content]:
    turns = [*prompt.history, ("user", prompt.user)]
    return [
        types.Content(role="model" if role == "assistant" else "user", parts=[types.Part.from_text(text=text)])
        for role, text in turns
    ]


def _config(prompt: Prompt) -> types.GenerateContentConfig:
    return types.GenerateContentConfig(
        system_instruction=prompt.system, temperature=prompt.temperature, max_output_tokens=prompt.max_tokens
    )


def _json_config(prompt: Prompt, name: str, answer: type[BaseModel]) -> types.GenerateContentConfig:
    config = _config(prompt)
    config.response_mime_type = "application/json"
    config.response_json_schema = {**answer.model_json_schema(), "title": name}
    return config


def _inputs(prompt: Prompt, config: types.GenerateContentConfig) -> dict[str, Any]:
    history = [{"role": role, "content": text} for role, text in prompt.history]
    messages = [{"role": "system", "content": prompt.system}, *history, {"role": "user", "content": prompt.user}]
    return {
        "messages": messages,
        "config": config.model_dump(mode="json", exclude_none=True, exclude={"system_instruction"}),
    }


def _text(response: types.GenerateContentResponse) -> str:
    """The words of the answer, thoughts left out. `response.text` would warn about parts that are not text."""
    return "".join(part.text for part in response.parts or [] if part.text and not part.thought)


def _described(response: types.GenerateContentResponse) -> dict[str, Any]:
    """The answer as a run keeps it: words and calls as they are, of pictures the size only."""
    parts: list[dict[str, Any]] = []
    for part in response.parts or []:
        if part.inline_data:
            content = part.inline_data.data or b""
            parts.append({"type": "image", "mime_type": part.inline_data.mime_type, "size_bytes": len(content)})
        elif part.function_call:
            parts.append({"type": "function_call", "name": part.function_call.name, "args": part.function_call.args})
        elif part.text:
            parts.append({"type": "thought" if part.thought else "text", "text": part.text})
    return {"role": "model", "content": parts}


def _note_grounding(chunk: types.GenerateContentResponse, answer: SearchAnswer) -> None:
    grounding = chunk.candidates[0].grounding_metadata if chunk.candidates else None
    if grounding is None:
        return
    answer.queries.extend(query for query in grounding.web_search_queries or [] if query not in answer.queries)
    for page in (entry.web for entry in grounding.grounding_chunks or [] if entry.web and entry.web.uri):
        source = {"title": page.title or "", "url": page.uri or ""}
        if source not in answer.sources:
            answer.sources.append(source)
