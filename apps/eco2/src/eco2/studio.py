"""The graph for LangGraph Studio and `langgraph dev`, which bring their own checkpoints."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from eco2.agent import make_kit
from eco2.graph import Graph, build_graph
from eco2.settings import Settings
from eco2.telemetry import Telemetry


@asynccontextmanager
async def graph() -> AsyncIterator[Graph]:
    async with httpx.AsyncClient() as client:
        kit = make_kit(Settings(), Telemetry(), client)
        yield build_graph(kit)
        for model in kit.models.values():
            await model.close()
