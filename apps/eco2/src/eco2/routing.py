"""Which nodes a message needs: the rules of the fan-out, kept as tables."""

from collections.abc import Iterator
from dataclasses import dataclass

from langgraph.types import Send

from eco2.settings import Settings
from eco2.state import INTENTS, ChatState

ENRICHMENT = {"waste_rag": ("weather",), "bulk_waste": ("weather",), "location": ("web_search",)}
"""Primary node → the nodes that always make its answer better."""
LIVE_WORDS = (
    "최신", "최근", "올해", "작년", "지난달", "현재", "요즘", "오늘", "어제", "이번주", "2024", "2025", "2026",
    "뉴스", "정책", "규제", "발표", "공지", "트렌드", "업데이트",
    "검색", "찾아봐", "알아봐", "주가", "결과", "순위", "랭킹",
)  # fmt: skip
"""Words that ask for something newer than any table or model."""
UNSURE_BELOW = 0.75
WITHOUT_WEATHER = frozenset({"weather", "general", "character", "image_generation"})
WITHOUT_SEARCH = frozenset({"web_search", "character", "image_generation"})


def node_of(intent: str) -> str:
    """The node that serves an intent; anything unknown is `general`."""
    if intent == "waste":
        return "waste_rag"
    return intent if intent in INTENTS else "general"


def after_intent(state: ChatState) -> str:
    return "vision" if state.get("image_url") and not state.get("classification_result") else "router"


@dataclass(frozen=True, slots=True)
class Rules:
    multi_intent: bool = True
    enrichment: bool = True
    conditional: bool = True

    @classmethod
    def of(cls, settings: Settings) -> "Rules":
        return cls(settings.multi_intent, settings.enrichment, settings.conditional)

    def targets(self, state: ChatState) -> list[str]:
        """The nodes to run at once, the primary one first, each once."""
        return list(dict.fromkeys(self._candidates(state)))

    def _candidates(self, state: ChatState) -> Iterator[str]:
        primary = node_of(state.get("intent", "general"))
        yield primary
        if self.multi_intent:
            yield from (node_of(intent) for intent in state.get("additional_intents", []) if intent in INTENTS)
        if self.enrichment:
            yield from ENRICHMENT.get(primary, ())
        if self.conditional:
            if state.get("user_location") and primary not in WITHOUT_WEATHER:
                yield "weather"
            if primary not in WITHOUT_SEARCH and _wants_search(primary, state):
                yield "web_search"

    def dynamic_router(self, state: ChatState) -> list[Send]:
        return [Send(target, state) for target in self.targets(state)]


def _wants_search(primary: str, state: ChatState) -> bool:
    if primary == "general":
        return state.get("intent_confidence", 0.0) < UNSURE_BELOW
    return any(word in state.get("message", "") for word in LIVE_WORDS)
