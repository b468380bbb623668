"""One answered request: its rule, fault, ids and ledger entry, and how the answer goes out, whole or streamed."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from everytoken.simulator.answer import Answer, compose
from everytoken.simulator.ask import Ask
from everytoken.simulator.billing import Billed, Entry, Ledger
from everytoken.simulator.chance import Chance
from everytoken.simulator.faults import HEADER, Fault, Faults, read_fault
from everytoken.simulator.pacing import Clock, Pace
from everytoken.simulator.runs import Runs
from everytoken.simulator.scenario import Rule, Scenario
from everytoken.simulator.shelf import Shelf

MAX_HANG_S = 600.0
"""How long a `timeout` fault keeps a connection open; no client of the emulated APIs waits longer by default."""
MAX_DIGESTS = 100_000
"""Requests told apart for the numbering of their repeats; beyond it the numbering starts again."""
BILLED_PROVIDERS = frozenset({"openai", "google"})


class RefusalError(Exception):
    """The request is answered by an error status: nothing is generated, nothing billed."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.retry_after_s = retry_after_s


@dataclass(slots=True)
class World:
    """The state of one simulator."""

    scenario: Scenario
    seed: int
    pace: Pace
    ledger: Ledger = field(default_factory=Ledger)
    faults: Faults = field(init=False)
    shelf: Shelf = field(default_factory=Shelf)
    """What clients stored: responses, files, batches."""
    runs: Runs = field(default_factory=Runs)
    """What clients traced."""
    repeats: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.faults = Faults(self.seed)

    def clock(self) -> Clock:
        return Clock.start(self.pace)

    def begin(self, ask: Ask, request: Request, clock: Clock) -> "Exchange":
        """Decide the answer to a request, and bill it.

        Raises:
            RefusalError: a fault answers with an error status.
        """
        rule = self.scenario.choose(ask)
        fault = self._fault(ask, request) or (rule.reply.fault if rule else None)
        if fault is not None and fault.status is not None:
            self.ledger.refused += 1
            raise RefusalError(fault.status, "", retry_after_s=fault.value if fault.status in (429, 503) else None)
        return self._exchange(ask, rule, fault, clock, attempt=_attempt(request))

    def begin_offline(self, ask: Ask, clock: Clock) -> "Exchange":
        """The answer to one line of a batch: no faults, no retries."""
        return self._exchange(ask, self.scenario.choose(ask), None, clock, attempt=None)

    def number(self, key: str) -> int:
        """How often this has been asked for, from 1: tells repeats of the same request apart."""
        if len(self.repeats) >= MAX_DIGESTS and key not in self.repeats:
            self.repeats.clear()
        self.repeats[key] = self.repeats.get(key, 0) + 1
        return self.repeats[key]

    def _exchange(
        self, ask: Ask, rule: Rule | None, fault: Fault | None, clock: Clock, *, attempt: int | None
    ) -> "Exchange":
        answer = compose(ask, rule, self.scenario, self.seed)
        chance = Chance(self.seed, "id", ask.digest, self.number(ask.digest))
        exchange = Exchange(ask, answer, fault, clock, chance, request_id=f"req_{chance.hex(32)}", attempt=attempt)
        if ask.provider in BILLED_PROVIDERS:
            exchange.ledger = self.ledger
        return exchange

    def _fault(self, ask: Ask, request: Request) -> Fault | None:
        header = request.headers.get(HEADER)
        if header is None:
            return self.faults.strike(ask)
        try:
            return read_fault(header)
        except ValueError as error:
            raise RefusalError(400, f"{HEADER}: {error}") from error


@dataclass(slots=True)
class Exchange:
    """A request that is being answered."""

    ask: Ask
    answer: Answer
    fault: Fault | None
    clock: Clock
    chance: Chance
    """Draws ids, unlike those of any other response."""
    request_id: str
    attempt: int | None
    ledger: Ledger | None = None
    """None for services that bill no tokens."""

    def has_fault(self, kind: str) -> bool:
        return self.fault is not None and self.fault.kind == kind

    @property
    def usage_is_hidden(self) -> bool:
        return self.has_fault("no_usage") or self.has_fault("null_usage")

    @property
    def delay_ms(self) -> float:
        return self.fault.value if self.fault is not None and self.fault.kind == "slow" else 0.0

    def open_entry(
        self, response_id: str, billed: Billed, *, api: str | None = None, model: str | None = None
    ) -> Entry:
        """Begin the ledger entry of this response."""
        entry = Entry(
            response_id=response_id,
            provider=self.ask.provider,
            model=model or self.answer.model,
            api=api or self.ask.api,
            stream=self.ask.stream,
            tier=self.ask.tier,
            billed=billed,
            request_id=self.request_id,
            attempt=self.attempt,
            rule=self.answer.rule,
            fault=self.fault.kind if self.fault else None,
        )
        return self.ledger.add(entry) if self.ledger is not None else entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One piece of a stream."""

    body: bytes
    due_ms: float
    share: float
    """Share of the visible output that has been generated when this frame goes out."""
    content: bool = False
    """Carries a piece of the answer; `cut` counts these."""
    usage_sent: bool = False
    """Carries the usage of everything generated so far."""


class WholeReply:
    """An ASGI response that goes out in one piece when the answer is due."""

    def __init__(
        self,
        exchange: Exchange,
        entry: Entry,
        body: bytes,
        *,
        headers: Mapping[str, str],
        usage_sent: bool = True,
        media_type: str = "application/json",
        at_once: bool = False,
    ) -> None:
        self._exchange = exchange
        self._entry = entry
        self._body = body
        self._headers = _raw_headers(headers, media_type)
        self._usage_sent = usage_sent and not exchange.usage_is_hidden
        self._due_ms = 0.0 if at_once else exchange.answer.duration_ms

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        entry = self._entry
        async with _Client(receive, entry) as client:
            if not await client.stays(self._exchange, self._due_ms + self._exchange.delay_ms):
                return
            body, headers = self._body, self._headers
            if self._exchange.has_fault("drop"):
                # The announced length never comes: the client sees the connection close on it.
                entry.aborted = True
                await send(_start([*headers, (b"content-length", b"%d" % len(body))]))
                return
            if self._exchange.has_fault("malformed"):
                body = body[: max(1, len(body) // 2)]
            entry.usage_sent = self._usage_sent and body is self._body
            entry.open = False  # before the last byte: whoever has the answer finds the bill
            await send(_start([*headers, (b"content-length", b"%d" % len(body))]))
            await send({"type": "http.response.body", "body": body})


class StreamReply:
    """An ASGI response that goes out frame by frame, billing what has been generated until the client leaves."""

    def __init__(
        self, exchange: Exchange, entry: Entry, frames: Sequence[Frame], *, headers: Mapping[str, str]
    ) -> None:
        self._exchange = exchange
        self._entry = entry
        self._whole = entry.billed
        self._frames = frames
        self._headers = _raw_headers(headers, "text/event-stream; charset=utf-8")
        entry.billed = self._whole.generated(0.0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange, entry = self._exchange, self._entry
        limit = exchange.fault.value if exchange.fault and exchange.fault.kind == "cut" else None
        sent = 0
        async with _Client(receive, entry) as client:
            if exchange.has_fault("timeout") or exchange.has_fault("drop"):
                entry.billed = self._whole
            if not await client.stays(exchange, self._frames[0].due_ms + exchange.delay_ms):
                return
            await send(_start(self._headers))
            if exchange.has_fault("drop"):
                entry.aborted = await exchange.clock.reach(exchange.answer.duration_ms, client.gone) or True
                return
            for number, frame in enumerate(self._frames):
                last = number == len(self._frames) - 1
                sent += frame.content
                if (limit is not None and frame.content and sent > limit) or not await exchange.clock.reach(
                    frame.due_ms + exchange.delay_ms, client.gone
                ):
                    entry.aborted = True
                    return
                body = frame.body
                if exchange.has_fault("malformed") and number == len(self._frames) // 2:
                    body, last = body[: len(body) // 2] + b"\n\n", True
                self._bill(frame, last=last, whole=body is frame.body)
                await send({"type": "http.response.body", "body": body, "more_body": True})
                if last:
                    break
            await send({"type": "http.response.body", "body": b""})

    def _bill(self, frame: Frame, *, last: bool, whole: bool) -> None:
        """Keep the bill ahead of the bytes: whoever has read them finds them billed."""
        entry = self._entry
        share = 1.0 if last and whole else frame.share
        entry.billed = self._whole.generated(share)
        entry.usage_sent = whole and (frame.usage_sent or (entry.usage_sent and share >= 1.0))
        entry.open = not last


class _Client:
    """The other end of a connection, watched for its leaving. Closes the ledger entry on the way out."""

    def __init__(self, receive: Receive, entry: Entry) -> None:
        self._receive = receive
        self._entry = entry
        self.gone: asyncio.Future[None]

    async def __aenter__(self) -> "_Client":
        self.gone = asyncio.ensure_future(_until_gone(self._receive))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.gone.cancel()
        self._entry.open = False

    async def stays(self, exchange: Exchange, ms: float) -> bool:
        """Wait for an answer to be due. False when the client left, or when the fault is that nothing ever comes."""
        if exchange.has_fault("timeout"):
            await asyncio.wait({self.gone}, timeout=MAX_HANG_S)
            self._entry.aborted = True
            return False
        if await exchange.clock.reach(ms, self.gone):
            return True
        self._entry.aborted = True
        return False


async def _until_gone(receive: Receive) -> None:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return


def _start(headers: list[tuple[bytes, bytes]]) -> Message:
    return {"type": "http.response.start", "status": 200, "headers": headers}


def _raw_headers(headers: Mapping[str, str], media_type: str) -> list[tuple[bytes, bytes]]:
    return [(k.lower().encode(), v.encode("latin-1")) for k, v in {**headers, "content-type": media_type}.items()]


def _attempt(request: Request) -> int | None:
    retries = request.headers.get("x-stainless-retry-count", "")
    return int(retries) + 1 if retries.isdigit() else None
