"""OpenAI: chat completions plain, streamed, with a forced function (paths 1–3); search by the Agents SDK (path 4)."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Any

import httpx2
import openai
from agents import Agent, AgentsException, ModelSettings, OpenAIResponsesModel, RunConfig, Runner, WebSearchTool
from agents.tracing import set_tracing_disabled
from langsmith import tracing_context
from openai import AsyncOpenAI
from pydantic import BaseModel

from eco2.llm import Function, Image, Prompt, SearchAnswer
from eco2.settings import Settings
from eco2.telemetry import LlmCall, Telemetry

TERMINAL_EVENTS = frozenset({"response.completed", "response.incomplete", "response.failed"})
REQUEST_TIMEOUT_S = 120.0
MAX_MODEL_TURNS = 4

set_tracing_disabled(True)  # the Agents SDK would upload a second copy of every call to OpenAI


def is_transient(error: BaseException) -> bool:
    """Whether asking again may help: no connection, too many requests, or the server's own fault."""
    return isinstance(error, openai.APIConnectionError | openai.RateLimitError | openai.InternalServerError)


class OpenAIChat:
    def __init__(self, settings: Settings, telemetry: Telemetry, http_client: httpx2.AsyncClient | None = None) -> None:
        self.model = settings.openai_model
        self._telemetry = telemetry
        # Retries belong to the graph's policy: each attempt may be billed, so each must be a run of its own.
        self._client = AsyncOpenAI(
            api_key=settings.openai_api_key.get_secret_value(),
            base_url=settings.openai_base_url,
            max_retries=0,
            timeout=REQUEST_TIMEOUT_S,
            http_client=http_client,
        )
        self._responses = OpenAIResponsesModel(self.model, self._client)

    async def close(self) -> None:
        await self._client.close()

    async def complete(self, prompt: Prompt) -> str:
        message = await self._create(1, prompt, _messages(prompt))
        return message.content or ""

    async def structured(self, prompt: Prompt, name: str, answer: type[BaseModel]) -> dict[str, Any]:
        message = await self._create(1, prompt, _messages(prompt), response_format=_json_schema(name, answer))
        return answer.model_validate_json(message.content or "").model_dump()

    async def see(self, prompt: Prompt, image: Image, name: str, answer: type[BaseModel]) -> dict[str, Any]:
        picture = f"data:{image.mime_type};base64,{base64.b64encode(image.content).decode()}"
        content = [{"type": "text", "text": prompt.user}, {"type": "image_url", "image_url": {"url": picture}}]
        messages = [*_messages(prompt)[:-1], {"role": "user", "content": content}]
        message = await self._create(1, prompt, messages, response_format=_json_schema(name, answer))
        return answer.model_validate_json(message.content or "").model_dump()

    async def call_function(self, prompt: Prompt, function: Function) -> dict[str, Any] | None:
        tool = {
            "name": function.name,
            "description": function.description,
            "parameters": function.arguments.model_json_schema(),
        }
        message = await self._create(
            3,
            prompt,
            _messages(prompt),
            tools=[{"type": "function", "function": tool}],
            tool_choice={"type": "function", "function": {"name": function.name}},
        )
        if not message.tool_calls:
            return None
        return function.arguments.model_validate_json(message.tool_calls[0].function.arguments).model_dump()

    async def _create(self, path: int, prompt: Prompt, messages: list[Any], **options: Any) -> Any:
        """The answering message of one completion."""
        options |= _options(prompt)
        with self._telemetry.llm(path, node=prompt.node, model=self.model, inputs=_inputs(prompt, options)) as call:
            response = await self._client.chat.completions.create(model=self.model, messages=messages, **options)
            call.raw = response
            call.outputs = response.model_dump(exclude_none=True)
        return response.choices[0].message

    async def stream(self, prompt: Prompt) -> AsyncIterator[str]:
        options = _options(prompt)
        asked = _inputs(prompt, {**options, "stream": True})
        text: list[str] = []
        with self._telemetry.llm(2, node=prompt.node, model=self.model, inputs=asked) as call:
            chunks = await self._client.chat.completions.create(
                model=self.model,
                messages=_messages(prompt),
                stream=True,
                stream_options={"include_usage": True},  # without it a stream never says what it used
                **options,
            )
            try:
                async for chunk in chunks:
                    call.response_id, call.response_model = chunk.id, chunk.model
                    if chunk.usage:  # some compatible servers repeat it: the last one is right
                        call.raw = [chunk]
                    if chunk.choices and (delta := chunk.choices[0].delta.content):
                        call.first_token()
                        text.append(delta)
                        yield delta
            finally:
                await chunks.close()  # tells the provider to stop generating, and billing
                message = {"role": "assistant", "content": "".join(text)}
                call.outputs = {"object": "chat.completion", "choices": [{"index": 0, "message": message}]}

    async def search(self, prompt: Prompt) -> SearchAnswer:
        """Let the Agents SDK search the web; where the SDK itself gives up, ask the Responses API once without it.

        What the SDK had asked for is billed and stays a run of its own. A refusal of the provider is no reason to
        ask again here: the graph knows which ones may pass.
        """
        try:
            return await self._search_by_agent(prompt)
        except AgentsException:
            return await self._search_directly(prompt)

    async def _search_by_agent(self, prompt: Prompt) -> SearchAnswer:
        """Every model turn is a request, and a run, of its own."""
        agent = Agent(
            name="eco2-web-search",
            instructions=prompt.system,
            model=self._responses,
            tools=[WebSearchTool(search_context_size="medium")],
            model_settings=ModelSettings(temperature=prompt.temperature, max_tokens=prompt.max_tokens),
        )
        config = RunConfig(tracing_disabled=True)
        with ExitStack() as stack:
            turns = _Turns(self._telemetry, prompt, self.model, stack)
            result = Runner.run_streamed(agent, prompt.user, max_turns=MAX_MODEL_TURNS, run_config=config)
            async for event in result.stream_events():
                if event.type == "raw_response_event":
                    turns.see(event.data)
        return SearchAnswer(text=str(result.final_output or ""), sources=turns.sources, queries=turns.queries)

    async def _search_directly(self, prompt: Prompt) -> SearchAnswer:
        text: list[str] = []
        with ExitStack() as stack:
            turns = _Turns(self._telemetry, prompt, self.model, stack)
            events = await self._client.responses.create(
                model=self.model,
                instructions=prompt.system,
                input=prompt.user,
                tools=[{"type": "web_search", "search_context_size": "medium"}],
                temperature=prompt.temperature,
                max_output_tokens=prompt.max_tokens,
                stream=True,
            )
            async for event in events:
                turns.see(event)
                if event.type == "response.output_text.delta":
                    text.append(event.delta)
        return SearchAnswer(text="".join(text), sources=turns.sources, queries=turns.queries)


class _Turns:
    """The runs of an agent's model turns and of the searches within, opened and closed by the events of the stream."""

    def __init__(self, telemetry: Telemetry, prompt: Prompt, model: str, stack: ExitStack) -> None:
        self._telemetry = telemetry
        self._prompt = prompt
        self._model = model
        self._turns = stack.enter_context(ExitStack())
        self._searches = stack.enter_context(ExitStack())
        self._found: dict[str, Any] = {}
        self.sources: list[dict[str, str]] = []
        self.queries: list[str] = []
        self._call: LlmCall | None = self._open()

    def _open(self) -> LlmCall:
        inputs = _inputs(self._prompt, {"tools": [{"type": "web_search"}]})
        return self._turns.enter_context(
            self._telemetry.llm(4, node=self._prompt.node, model=self._model, inputs=inputs)
        )

    def see(self, event: Any) -> None:
        call = self._call = self._call or self._open()
        if event.type == "response.output_text.delta":
            call.first_token()
        elif event.type == "response.output_item.added" and event.item.type == "web_search_call":
            self._found = self._searches.enter_context(self._telemetry.tool("web_search", {"input": self._prompt.user}))
        elif event.type == "response.output_item.done":
            self._see_item(event.item)
        elif event.type in TERMINAL_EVENTS:
            call.raw = event.response
            call.outputs = event.response.model_dump(
                exclude_none=True, include={"object", "output", "status", "usage", "tool_usage"}
            )
            if event.type != "response.completed":
                call.error = f"{event.type}: {event.response.error or event.response.incomplete_details}"
            self._call = None
            self._turns.close()

    def _see_item(self, item: Any) -> None:
        if item.type == "web_search_call":
            action = item.action.model_dump(exclude_none=True) if item.action else {}
            self.queries += [query for query in (action.get("query"), *action.get("queries", [])) if query]
            self._found["action"] = action
            self._searches.close()
        elif item.type == "message":
            for note in (note for part in item.content for note in getattr(part, "annotations", None) or []):
                if note.type == "url_citation":
                    self.sources.append({"title": note.title, "url": note.url})


async def rehearse(settings: Settings) -> None:
    """Run every path once against canned answers: the SDKs load and build half a second of code on first use,

    which would otherwise be measured as the provider's time.
    """
    client = httpx2.AsyncClient(transport=httpx2.MockTransport(_canned))
    with tracing_context(enabled=False):
        chat = OpenAIChat(settings, Telemetry(), client)
        prompt = Prompt(node="rehearsal", system="-", user="-")
        await chat.complete(prompt)
        async for _piece in chat.stream(prompt):
            pass
        await chat.search(prompt)
        await chat.close()


def _canned(request: httpx2.Request) -> httpx2.Response:
    """The smallest answer of each kind."""
    asked = json.loads(request.content)
    base = {"id": "rehearsal", "created": 0, "created_at": 0, "model": asked["model"]}
    if request.url.path.endswith("/responses"):
        answer = {
            **base,
            "object": "response",
            "output": [],
            "parallel_tool_calls": False,
            "tool_choice": "auto",
            "tools": [],
        }
        started = {"type": "response.created", "sequence_number": 0, "response": answer}
        text = {"type": "message", "id": "m", "role": "assistant", "status": "completed"}
        item = {**text, "content": [{"type": "output_text", "text": "-", "annotations": []}]}
        usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
        ended = {
            "type": "response.completed",
            "sequence_number": 1,
            "response": {**answer, "output": [item], "usage": usage},
        }
        return _events_of(started, ended)
    if asked.get("stream"):
        delta = {"index": 0, "delta": {"content": "-"}, "finish_reason": None}
        return _events_of({**base, "object": "chat.completion.chunk", "choices": [delta]})
    message = {"index": 0, "message": {"role": "assistant", "content": "-"}, "finish_reason": "stop"}
    return httpx2.Response(200, json={**base, "object": "chat.completion", "choices": [message]})


def _events_of(*events: dict[str, Any]) -> httpx2.Response:
    body = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    return httpx2.Response(200, text=body, headers={"content-type": "text/event-stream"})


def _messages(prompt: Prompt) -> list[Any]:
    history = [{"role": role, "content": text} for role, text in prompt.history]
    return [{"role": "system", "content": prompt.system}, *history, {"role": "user", "content": prompt.user}]


def _options(prompt: Prompt) -> dict[str, Any]:
    options: dict[str, Any] = {"temperature": prompt.temperature}
    if prompt.max_tokens is not None:
        options["max_completion_tokens"] = prompt.max_tokens
    return options


def _inputs(prompt: Prompt, options: dict[str, Any]) -> dict[str, Any]:
    return {"messages": _messages(prompt), **options}


def _json_schema(name: str, answer: type[BaseModel]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": name, "strict": True, "schema": strict_schema(answer)}}


def strict_schema(answer: type[BaseModel]) -> dict[str, Any]:
    """The schema as strict mode wants it: every property required, no other property, no default."""

    def strict(node: Any) -> Any:
        if isinstance(node, list):
            return [strict(entry) for entry in node]
        if not isinstance(node, dict):
            return node
        kept = {key: strict(value) for key, value in node.items() if key != "default"}
        if kept.get("type") == "object" and "properties" in kept:
            kept |= {"required": list(kept["properties"]), "additionalProperties": False}
        return kept

    schema: dict[str, Any] = strict(answer.model_json_schema())
    return schema
