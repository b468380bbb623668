"""From a request to an answer: what the scenario says, and for the rest what the seed and the request make up."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import orjson

from everytoken.simulator.ask import Ask, tokens_of
from everytoken.simulator.billing import Billed
from everytoken.simulator.chance import Chance
from everytoken.simulator.sample import Said, sample
from everytoken.simulator.scenario import Reply, Rule, Scenario

CACHE_FROM_TOKENS = 1_024
"""Shorter prompts are never cached. https://platform.openai.com/docs/guides/prompt-caching, read 2026-11-22."""
CACHE_STEP_TOKENS = 128
PICTURE_TOKENS = 1_290
"""One 1024 × 1024 picture of a Gemini image model. https://ai.google.dev/gemini-api/docs/pricing, read 2026-11-22."""
MAX_CHUNKS = 200
FINISHES = ("stop", "length", "content_filter", "refusal", "failed")

OPENINGS = (
    "네, 분리배출 방법을 알려드릴게요.",
    "좋은 질문이에요! 핵심만 정리해 드릴게요.",
    "확인해 보니 이렇게 하시면 됩니다.",
)
ADVICE = (
    "내용물을 비우고 물로 한 번 헹군 뒤 라벨과 뚜껑의 재질을 확인해 주세요.",
    "투명 페트병은 라벨을 떼고 압착한 다음 뚜껑을 닫아 전용 수거함에 넣어 주세요.",
    "음식물이 묻어 지워지지 않는 비닐은 종량제 봉투에 담아 배출해 주세요.",
    "스티로폼은 테이프와 스티커를 모두 떼고 흰색만 모아 배출하시면 됩니다.",
    "건전지와 형광등은 주민센터나 아파트 단지의 전용 수거함을 이용해 주세요.",
    "대형 폐기물은 구청 누리집에서 신고하고 수수료를 낸 뒤 지정한 날에 내놓으시면 됩니다.",
    "종이팩은 일반 종이와 섞이지 않게 씻어 말린 다음 따로 모아 주세요.",
)
CLOSINGS = (
    "지역마다 요일과 방법이 조금씩 다르니 관할 구청 안내도 함께 확인해 주세요. 🌱",
    "더 궁금한 품목이 있으면 편하게 물어봐 주세요!",
    "오늘도 지구를 위한 한 걸음, 고맙습니다.",
)
SOURCES = (
    {"title": "생활폐기물 분리배출 누리집 분리배출.kr", "url": "https://xn--oy2b29bd2h9wda.kr/"},
    {"title": "한국환경공단 순환자원정보", "url": "https://www.keco.or.kr/"},
    {"title": "기후에너지환경부", "url": "https://www.me.go.kr/"},
)


@dataclass(frozen=True, slots=True)
class Call:
    """A function the model calls, its arguments as JSON text."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Everything a dialect needs to write the response."""

    texts: tuple[str, ...]
    """One per choice; empty texts when the model calls functions instead."""
    calls: tuple[Call, ...]
    thoughts: str
    queries: tuple[str, ...]
    sources: tuple[dict[str, str], ...]
    pictures: int
    finish: str
    hops: int
    usage: Billed
    duration_ms: float
    first_token_ms: float
    chunks: int
    model: str
    rule: str | None
    given: Any = None
    """The rule's `json`, for services that answer in JSON without a schema."""

    @property
    def text(self) -> str:
        return self.texts[0]


def compose(ask: Ask, rule: Rule | None, scenario: Scenario, seed: int) -> Answer:
    """The answer to `ask`: a pure function of the request, the rule and the seed."""
    reply = rule.reply if rule else Reply()
    chance = Chance(seed, ask.digest)
    said = Said(ask.user, scenario.vocabulary)
    calls = _calls(ask, reply, said, chance)
    texts = ("",) * ask.choices if calls else tuple(_text(ask, reply, said, chance, n) for n in range(ask.choices))
    queries, sources = _search(ask, reply)
    pictures = int(ask.wants_picture if reply.picture is None else reply.picture)
    usage = reply.usage or ask.usage or _usage(ask, texts, calls, queries, pictures, chance)
    finish = reply.finish or "stop"
    if ask.limit is not None and usage.output > ask.limit and reply.usage is None:
        usage, finish = _shortened(usage, ask.limit), "length"
    duration_ms = 150 + 12.0 * min(usage.output, 300) if reply.duration_ms is None else float(reply.duration_ms)
    first_token_ms = duration_ms * 0.25 if reply.first_token_ms is None else float(reply.first_token_ms)
    visible = usage.output - usage.reasoning
    return Answer(
        texts=texts,
        calls=calls,
        thoughts=reply.thoughts or "질문에서 품목과 지역을 찾고, 필요한 정보를 확인합니다.",
        queries=queries,
        sources=sources,
        pictures=pictures,
        finish=finish,
        hops=reply.hops,
        usage=usage,
        duration_ms=duration_ms,
        first_token_ms=min(first_token_ms, duration_ms),
        chunks=reply.chunks or max(1, min(visible // 3, MAX_CHUNKS)),
        model=reply.model or ask.model,
        rule=rule.name if rule else None,
        given=reply.json,
    )


def pieces(text: str, count: int, chance: Chance) -> list[str]:
    """Cut a text into at most `count` pieces of uneven length, as tokens are; the pieces join to the text."""
    count = max(1, min(count, len(text)))
    cuts = sorted({round(len(text) * (n + chance.share() * 0.8) / count) for n in range(1, count)})
    edges = [0, *(cut for cut in cuts if 0 < cut < len(text)), len(text)]
    return [text[start:end] for start, end in pairwise(edges)]


def _calls(ask: Ask, reply: Reply, said: Said, chance: Chance) -> tuple[Call, ...]:
    if reply.text is not None and ask.forced is None:
        return ()
    wanted = ask.wanted_function
    if reply.function is not None:
        wanted = next((f for f in ask.functions if f.name == reply.function), wanted)
    if wanted is None:
        return ()
    arguments = sample(wanted.parameters, said, chance, reply.arguments)
    return (Call(wanted.name, _dumps(arguments)),)


def _text(ask: Ask, reply: Reply, said: Said, chance: Chance, number: int) -> str:
    if reply.text is not None:
        return reply.text
    if ask.schema is not None:
        return _dumps(sample(ask.schema, said, chance, reply.json))
    if reply.json is not None or ask.json_mode:
        return _dumps({"answer": chance.pick(ADVICE)} if reply.json is None else reply.json)
    advice = [ADVICE[(chance.between(0, len(ADVICE) - 1) + n) % len(ADVICE)] for n in range(chance.between(1, 3))]
    return " ".join((OPENINGS[(chance.between(0, 2) + number) % 3], *dict.fromkeys(advice), chance.pick(CLOSINGS)))


def _search(ask: Ask, reply: Reply) -> tuple[tuple[str, ...], tuple[dict[str, str], ...]]:
    if not ask.searches:
        return (), ()
    queries = (f"{ask.user[:40].strip()} 분리배출".strip(),) if reply.queries is None else reply.queries
    sources = SOURCES if reply.sources is None else tuple(map(dict, reply.sources))
    return queries, sources if queries else ()


def _usage(
    ask: Ask, texts: tuple[str, ...], calls: tuple[Call, ...], queries: tuple[str, ...], pictures: int, chance: Chance
) -> Billed:
    """Plausible counts: cached prompts from 1,024 tokens on, reasoning where the model family reasons."""
    found = chance.between(80, 400) * len(queries)
    visible = sum(tokens_of(text) for text in texts if text) + sum(tokens_of(c.name + c.arguments) for c in calls)
    reasoning = chance.between(1, 6) * 64 if reasons(ask.model) and not pictures else 0
    share = chance.share()
    cached = int(ask.input_tokens * share) // CACHE_STEP_TOKENS * CACHE_STEP_TOKENS
    drawn = pictures * PICTURE_TOKENS
    return Billed(
        input=ask.input_tokens + found,
        tool_use=found if ask.provider == "google" else 0,
        cached=cached if ask.input_tokens >= CACHE_FROM_TOKENS else 0,
        input_image=ask.image_tokens,
        input_audio=ask.audio_tokens,
        input_video=ask.video_tokens,
        input_document=ask.document_tokens,
        output=visible + reasoning + drawn,
        reasoning=reasoning,
        output_image=drawn,
        images=pictures,
        web_search=len(set(queries)),
    )


def reasons(model: str) -> bool:
    """Whether models of this name think before they answer. Image, audio and embedding models don't."""
    thinks = model.startswith(("gpt-5", "gpt-6", "o1", "o3", "o4", "gemini-2.5", "gemini-3"))
    return thinks and not any(word in model for word in ("image", "audio", "tts", "chat", "embedding", "lite"))


def _shortened(usage: Billed, limit: int) -> Billed:
    """The bill of an answer that stopped at the client's limit."""
    reasoning = min(usage.reasoning, limit)
    image = min(usage.output_image, limit - reasoning)
    return replace(usage, output=limit, reasoning=reasoning, output_image=image)


def _dumps(value: Any) -> str:
    return orjson.dumps(value).decode()
