"""LangChain and LangGraph with their own tracer on: the tracer's run and the HTTP attempt are one charge."""

from typing import Annotated, Any, TypedDict

from langchain_core.caches import InMemoryCache
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send
from pydantic import BaseModel, SecretStr
from tests.recorded.paths.openai_chat import asking
from tests.recorded.table import scenario
from tests.recorded.world import CHAT_MODEL, KEY, World

SDK = "langchain-openai"
GRAPH = "langgraph"
LOST = "an answer that never arrived cannot be read"
QUESTIONS = ("페트병은?", "유리병은?", "비닐은?")


class Advice(BaseModel):
    """A piece of advice."""

    answer: str


@tool
def weather(city: str) -> str:
    """Weather of a city."""
    return f"{city}: 맑음"


def model(w: World, **more: Any) -> ChatOpenAI:
    """A chat model of a gateway user: with a base URL of its own, langchain-openai asks for no usage of a stream."""
    url = w.simulator.urls["openai"]
    return ChatOpenAI(**{"model": CHAT_MODEL, "base_url": url, "api_key": SecretStr(KEY), **more})


@scenario(SDK, "invoke")
def invoke(w: World) -> None:
    with w.traced():
        model(w).invoke("cached prompt")


@scenario(SDK, "invoke")
async def invoke_async(w: World) -> None:
    with w.traced():
        await model(w).ainvoke("reasoned answer")


@scenario(SDK, "invoke, tracer off")
def untraced(w: World) -> None:
    model(w).invoke("cached prompt")


@scenario(SDK, "invoke, three choices")
def three_choices(w: World) -> None:
    with w.traced():
        model(w, n=3).invoke("세 가지로 답해줘")


@scenario(SDK, "stream, custom base URL")
def stream(w: World) -> None:
    with w.traced():
        for _ in model(w).stream("cached prompt"):
            pass


@scenario(SDK, "stream, custom base URL")
async def stream_async(w: World) -> None:
    with w.traced():
        async for _ in model(w).astream("cached prompt"):
            pass


@scenario(SDK, "stream, usage asked for")
def stream_asked(w: World) -> None:
    with w.traced():
        for _ in model(w, stream_usage=True).stream("cached prompt"):
            pass


@scenario(SDK, "stream left by break", inexact=1, why="the provider tells the usage only at the end of a stream")
def broken_off(w: World) -> None:
    with w.traced():
        for _ in model(w).stream("long answer"):
            break


@scenario(SDK, "batch of three", exact=3)
def batch(w: World) -> None:
    with w.traced():
        model(w).batch(list(QUESTIONS))


@scenario(SDK, "batch of three", exact=3)
async def batch_async(w: World) -> None:
    with w.traced():
        await model(w).abatch(list(QUESTIONS))


@scenario(SDK, "generate of two prompts", exact=2)
def generate(w: World) -> None:
    with w.traced():
        model(w).generate([[HumanMessage("페트병은?")], [HumanMessage("유리병은?")]])


@scenario(SDK, "cache hit, not billed again")
def cache_hit(w: World) -> None:
    with w.traced():
        chat = model(w, cache=InMemoryCache())
        chat.invoke("두 번 물어볼게")
        chat.invoke("두 번 물어볼게")


@scenario(SDK, "fallback after a refusal")
def fallback(w: World) -> None:
    w.fault("429:0.01")
    with w.traced():
        model(w, max_retries=0).with_fallbacks([model(w, model="gpt-5.2-mini")]).invoke("둘 중 하나가 답해줘")


@scenario(SDK, "fallback after a lost answer", exact=1, inexact=1, why=LOST)
def fallback_lost(w: World) -> None:
    w.fault("drop")
    with w.traced():
        model(w, max_retries=0).with_fallbacks([model(w, model="gpt-5.2-mini")]).invoke("둘 중 하나가 답해줘")


@scenario(SDK, "invoke, answer lost, SDK retries", exact=1, inexact=1, why=LOST)
def retried(w: World) -> None:
    w.fault("drop")
    with w.traced():
        model(w, max_retries=2).invoke("다시 물어볼게")


@scenario(SDK, "structured output")
def structured(w: World) -> None:
    with w.traced():
        model(w).with_structured_output(Advice).invoke("형식대로")


@scenario(SDK, "tool loop, three requests", exact=3)
def tool_loop(w: World) -> None:
    with w.traced():
        chat = model(w).bind_tools([weather])
        messages: list[Any] = [HumanMessage("two tools")]
        while (answer := chat.invoke(messages)).tool_calls:
            calls = answer.tool_calls
            messages += [answer, *(ToolMessage(weather.invoke(c["args"]), tool_call_id=c["id"]) for c in calls)]


@scenario(SDK, "astream_events")
async def events_async(w: World) -> None:
    with w.traced():
        async for _ in model(w).astream_events("cached prompt", version="v2"):
            pass


@scenario(SDK, "Responses API, invoke")
def responses(w: World) -> None:
    with w.traced():
        model(w, use_responses_api=True).invoke("reasoned answer")


@scenario(SDK, "Responses API, stream")
async def responses_stream_async(w: World) -> None:
    with w.traced():
        async for _ in model(w, use_responses_api=True).astream("reasoned answer"):
            pass


@scenario(SDK, "embeddings")
def embeddings(w: World) -> None:
    with w.traced():
        OpenAIEmbeddings(
            base_url=w.simulator.urls["openai"], api_key=SecretStr(KEY), check_embedding_ctx_length=False
        ).embed_documents(["페트병", "유리병"])


class State(TypedDict, total=False):
    questions: list[str]
    answers: Annotated[list[str], lambda old, new: old + new]


def fan_out(answer: Any) -> Any:
    """A graph that sends each question to its own run of the node `answer`."""
    graph = StateGraph(State)
    graph.add_node("split", lambda state: {"answers": []})
    graph.add_node("answer", answer)
    graph.add_edge(START, "split")
    graph.add_conditional_edges("split", lambda state: [Send("answer", {"questions": [q]}) for q in state["questions"]])
    graph.add_edge("answer", END)
    return graph.compile()


@scenario(GRAPH, "Send fan-out of raw SDK calls", exact=3)
def send_raw(w: World) -> None:
    with w.traced(), w.openai() as client:

        def answer(state: State) -> State:
            told = client.chat.completions.create(**asking(state["questions"][0]))
            return {"answers": [told.choices[0].message.content]}

        assert len(fan_out(answer).invoke({"questions": list(QUESTIONS)})["answers"]) == 3


@scenario(GRAPH, "Send fan-out of raw SDK streams", exact=3)
async def send_raw_async(w: World) -> None:
    with w.traced():
        async with w.async_openai() as client:

            async def answer(state: State) -> State:
                chunks = await client.chat.completions.create(**asking(state["questions"][0], stream=True))
                return {"answers": ["".join([chunk.choices[0].delta.content or "" async for chunk in chunks])]}

            told = await fan_out(answer).ainvoke({"questions": list(QUESTIONS)})
            assert len(told["answers"]) == 3


@scenario(GRAPH, "Send fan-out of chat models", exact=3)
def send_models(w: World) -> None:
    with w.traced():
        chat = model(w)

        def answer(state: State) -> State:
            return {"answers": [str(chat.invoke(state["questions"][0]).content)]}

        assert len(fan_out(answer).invoke({"questions": list(QUESTIONS)})["answers"]) == 3


@scenario(GRAPH, "Send fan-out of chat models", exact=3)
async def send_models_async(w: World) -> None:
    with w.traced():
        chat = model(w)

        async def answer(state: State) -> State:
            return {"answers": [str((await chat.ainvoke(state["questions"][0])).content)]}

        told = await fan_out(answer).ainvoke({"questions": list(QUESTIONS)})
        assert len(told["answers"]) == 3


@scenario(GRAPH, "Send fan-out of Gemini calls", exact=3)
def send_gemini(w: World) -> None:
    with w.traced(), w.genai() as client:

        def answer(state: State) -> State:
            told = client.models.generate_content(model="gemini-3-flash-preview", contents=state["questions"][0])
            return {"answers": [told.text or ""]}

        assert len(fan_out(answer).invoke({"questions": list(QUESTIONS)})["answers"]) == 3
