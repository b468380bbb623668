"""The whole agent on both providers through a real server: what was charged is what the providers billed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.e2e.world import answers
from tests.ports import free_port

from everytoken.cli.client import Client
from everytoken.cli.demo_agent import Eco2, simulated
from everytoken.cli.processes import running
from everytoken.simulator.faults import read_switch
from everytoken.simulator.serve import Simulator

PROVIDERS = ("openai", "google")
AT_ONCE = 20
INTENTS = {
    "waste": "유리병 어떻게 버려?",
    "character": "이코에코 캐릭터 소개해줘",
    "location": "서울역 근처 제로웨이스트 가게 알려줘",
    "bulk_waste": "강남구에서 소파 버리려면 얼마야?",
    "recyclable_price": "고철 시세 알려줘",
    "collection_point": "강남구 폐건전지 수거함 알려줘",
    "weather": "서울 날씨 어때?",
    "image_generation": "분리배출 포스터 그려줘",
    "web_search": "일회용컵 보증금제 최신 뉴스",
    "general": "안녕",
}
FAULTS = (
    {"fault": "429:0", "rate": 0.05},
    {"fault": "500", "rate": 0.04},
    {"fault": "no_usage", "rate": 0.05},
    {"fault": "null_usage", "rate": 0.04},
    {"fault": "malformed", "rate": 0.03},
    {"fault": "drop", "rate": 0.03},
    {"fault": "cut:2", "rate": 0.06},
)
CLASSES: dict[str, tuple[Callable[[Any], float], Callable[[Any], float]]] = {
    "input": (lambda b: b["input"], lambda c: c["input_tokens"]),
    "cached": (lambda b: b["cached"], lambda c: c["input_token_details"].get("cache_read", 0)),
    "cache write": (lambda b: b["cache_write"], lambda c: c["input_token_details"].get("cache_creation", 0)),
    "tool use": (lambda b: b["tool_use"], lambda c: c["input_token_details"].get("tool_use", 0)),
    "image in": (lambda b: b["input_image"], lambda c: c["input_token_details"].get("image", 0)),
    "output": (lambda b: b["output"], lambda c: c["output_tokens"]),
    "reasoning": (lambda b: b["reasoning"], lambda c: c["output_token_details"].get("reasoning", 0)),
    "image out": (lambda b: b["output_image"], lambda c: c["output_token_details"].get("image", 0)),
    "searches": (
        lambda b: b["web_search"],
        lambda c: sum(int(Decimal(c["meters"].get(name, "0"))) for name in ("web_search", "grounding_query")),
    ),
}
"""Class → how the ledger of a simulated provider and how a charge tell it."""


@dataclass(frozen=True)
class Stage:
    """A server, the simulated providers, and the agent on either of them."""

    api: Client
    simulator: Simulator
    folder: Path

    def run(self, provider: str, project: str, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        services = {
            **simulated(self.simulator),
            "ECO2_PRIVATE_IMAGE_LINKS": "true",
            "ECO2_IMAGES_DIR": str(self.folder / "images"),
        }
        agent = Eco2(url=self.api.url, provider=provider, services=services)
        done = agent.answer(project, messages, at_once=AT_ONCE)
        self.api.flush()
        return done

    def charges(self, project: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            params = {"project": project, "limit": "500"} | ({"cursor": cursor} if cursor else {})
            page = httpx.get(f"{self.api.url}/everytoken/v1/charges", params=params).raise_for_status().json()
            found += page["charges"]
            cursor = page["next"]
            if cursor is None:
                return found

    def billed(self) -> dict[str, dict[str, Any]]:
        """The ledger by response id, the services that are no model left out."""
        entries = self.simulator.ledger(wait_s=20)
        return {entry["response_id"]: entry for entry in entries if entry["provider"] in PROVIDERS}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("stage")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    serve = ["everytoken.cli", "serve", "--port", str(port), "--data", str(folder / "data")]
    with (
        Simulator("reference", latency="none") as simulator,
        running("the server", serve, log=folder / "server.log", ready=lambda: answers(f"{url}/ok")),
    ):
        api = Client(url)
        yield Stage(api=api, simulator=simulator, folder=folder)
        api.close()


def differences(charge: dict[str, Any], entry: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """Classes in which a charge is not what was billed."""
    told = {name: (of_entry(entry["billed"]), of_charge(charge)) for name, (of_entry, of_charge) in CLASSES.items()}
    return {name: pair for name, pair in told.items() if pair[0] != pair[1]}


@dataclass(frozen=True)
class Clean:
    """A run in which nothing failed."""

    turns: dict[str, dict[str, Any]]
    charges: list[dict[str, Any]]
    billed: dict[str, dict[str, Any]]
    summary: dict[str, Any]
    traces: list[dict[str, Any]]


@pytest.fixture(scope="module", params=PROVIDERS)
def clean(stage: Stage, request: pytest.FixtureRequest) -> Clean:
    """Ten intents, two intents at once, a picture in, a picture out, a thread of two turns."""
    provider: str = request.param
    stage.simulator.world.ledger.clear()
    bottle = f"{stage.simulator.urls['images']}/bottle.png"
    messages: list[dict[str, Any]] = [
        *({"message": message, "job_id": intent} for intent, message in INTENTS.items()),
        {"message": "종이 어떻게 버려? 그리고 수거함도 알려줘", "job_id": "multi"},
        {"message": "이거 어떻게 버려?", "image_url": bottle, "job_id": "picture"},
        {"message": "유리병 어떻게 버려?", "session_id": "thread", "job_id": "first", "user_id": "kim"},
        {"message": "그럼 뚜껑은?", "session_id": "thread", "job_id": "second", "user_id": "kim"},
    ]
    project = f"clean-{provider}"
    done = stage.run(provider, project, messages)
    return Clean(
        turns={turn["job_id"]: turn for turn in done},
        charges=stage.charges(project),
        billed=stage.billed(),
        summary=stage.api.summary(project),
        traces=stage.api.traces(project, limit=100),
    )


def test_every_intent_is_answered_and_its_nodes_completed(clean: Clean) -> None:
    assert {name: clean.turns[name]["intent"] for name in INTENTS} == {name: name for name in INTENTS}
    for turn in clean.turns.values():
        assert turn["answer"], turn
        assert {node["status"] for node in turn["nodes"].values()} == {"completed"}


def test_two_intents_of_one_message_run_their_nodes_and_join_once(clean: Clean, stage: Stage) -> None:
    view = stage.api.trace(clean.turns["multi"]["trace_id"])
    names = [run["name"] for run in view["runs"] if run["is_node"]]
    assert {"waste_rag", "feedback", "collection_point", "weather"} <= set(names)
    assert (names.count("aggregator"), names.count("answer")) == (1, 1)


def test_a_picture_in_and_a_picture_out_are_tokens_of_their_own(clean: Clean) -> None:
    (seen,) = [charge for charge in clean.charges if charge["node"] == "vision"]
    (drawn,) = [charge for charge in clean.charges if charge["node"] == "image_generation"]
    assert differences(seen, clean.billed[seen["response_id"]]) == {}
    assert drawn["call_path"] == "gemini.generate.image"  # whichever provider serves the rest
    assert drawn["output_token_details"]["image"] == clean.billed[drawn["response_id"]]["billed"]["output_image"] > 0
    assert [line["token_class"] for line in drawn["cost_lines"] if "image" in line["token_class"]] == ["output_image"]


def test_two_turns_of_a_thread_are_two_traces_of_it(clean: Clean, stage: Stage) -> None:
    traces = [trace for trace in clean.traces if trace["thread_id"] == "thread"]
    assert {trace["trace_id"] for trace in traces} == {clean.turns[name]["trace_id"] for name in ("first", "second")}
    assert {trace["user_id"] for trace in traces} == {"kim"}
    second = stage.api.trace(clean.turns["second"]["trace_id"])
    answer = next(run for run in second["runs"] if run["run_type"] == "llm" and run["node"] == "answer")
    detail = httpx.get(
        f"{stage.api.url}/everytoken/v1/traces/{second['trace']['trace_id']}/runs/{answer['run_id']}"
    ).json()
    said = [message["content"] for message in detail["inputs"]["messages"] if message["role"] == "user"]
    assert said == ["유리병 어떻게 버려?", "그럼 뚜껑은?"]


def test_every_call_is_charged_as_it_was_billed(clean: Clean) -> None:
    assert {charge["response_id"] for charge in clean.charges} == set(clean.billed)
    assert len(clean.charges) == len(clean.billed)
    assert {charge["quality"] for charge in clean.charges} == {"exact"}
    wrong = {
        charge["response_id"]: found
        for charge in clean.charges
        if (found := differences(charge, clean.billed[charge["response_id"]]))
    }
    assert wrong == {}


def test_project_is_the_sum_of_its_traces_and_both_of_the_bill(clean: Clean) -> None:
    total = sum(entry["billed"]["input"] + entry["billed"]["output"] for entry in clean.billed.values())
    assert clean.summary["total_tokens"] == sum(trace["total_tokens"] for trace in clean.traces) == total
    costs = [Decimal(trace["cost_usd"]) for trace in clean.traces]
    assert Decimal(clean.summary["cost_usd"]) == sum(costs) > 0
    told = sum(turn["usage"]["total_tokens"] for turn in clean.turns.values())
    assert told == total  # what the agent told its users


@dataclass(frozen=True)
class Faulty:
    """A mixed run in which providers refuse, break off, and keep their usage to themselves."""

    turns: list[dict[str, Any]]
    charges: list[dict[str, Any]]
    billed: dict[str, dict[str, Any]]
    refused: int


@pytest.fixture(scope="module")
def faulty(stage: Stage) -> Faulty:
    stage.simulator.world.ledger.clear()
    for provider in PROVIDERS:
        for fault in FAULTS:
            stage.simulator.world.faults.add(read_switch({**fault, "provider": provider}))
    questions = list(INTENTS.values())
    messages = [{"message": questions[number % 10], "job_id": f"job-{number}"} for number in range(40)]
    turns, charges = [], []
    for provider in PROVIDERS:
        turns += stage.run(provider, f"faults-{provider}", messages)
        charges += stage.charges(f"faults-{provider}")
    stage.simulator.world.faults.switches.clear()
    return Faulty(
        turns=turns,
        charges=charges,
        billed=stage.billed(),
        refused=stage.simulator.world.ledger.refused,
    )


def test_every_request_of_the_mixed_run_is_one_charge(faulty: Faulty) -> None:
    assert len(faulty.billed) + faulty.refused >= 200
    assert faulty.refused > 0
    assert {entry["fault"] for entry in faulty.billed.values() if entry["fault"]} >= {"no_usage", "drop", "cut"}
    assert len(faulty.charges) == len(faulty.billed) + faulty.refused
    named = [charge["response_id"] for charge in faulty.charges if charge["response_id"]]
    assert len(named) == len(set(named))
    assert set(named) <= set(faulty.billed)


def test_what_the_provider_told_is_charged_class_by_class(faulty: Faulty) -> None:
    by_id = {charge["response_id"]: charge for charge in faulty.charges if charge["response_id"]}
    whole = {key: e for key, e in faulty.billed.items() if e["usage_sent"] and not e["aborted"]}
    assert {key for key, charge in by_id.items() if charge["quality"] == "exact"} == set(whole)
    wrong = {key: found for key, entry in whole.items() if (found := differences(by_id[key], entry))}
    assert wrong == {}


def test_what_a_cut_stream_had_told_is_kept_and_nothing_added(faulty: Faulty) -> None:
    cut = {charge["response_id"]: charge for charge in faulty.charges if charge["quality"] == "partial"}
    assert cut
    for key, charge in cut.items():
        found = differences(charge, faulty.billed[key])
        assert {name: pair for name, pair in found.items() if pair[1] > pair[0]} == {}
        assert charge["total_tokens"] > 0


def test_what_the_provider_kept_to_itself_is_unknown_and_not_nothing(faulty: Faulty) -> None:
    unknown = [charge for charge in faulty.charges if charge["quality"] == "missing"]
    assert len(unknown) >= 10
    assert {(charge["total_tokens"], charge["cost_usd"]) for charge in unknown} == {(None, None)}


def test_totals_of_the_mixed_run_are_the_sum_of_what_was_told(faulty: Faulty, stage: Stage) -> None:
    known = [charge for charge in faulty.charges if charge["quality"] in ("exact", "partial")]
    summaries = [stage.api.summary(f"faults-{provider}") for provider in PROVIDERS]
    for key in ("input_tokens", "output_tokens"):
        assert sum(summary[key] for summary in summaries) == sum(charge[key] for charge in known)
    assert [summary["cost_usd"] for summary in summaries] == [None, None]  # some calls' cost is unknown
    costs = sum(Decimal(charge["cost_usd"]) for charge in known)
    assert sum(Decimal(summary["cost_known_usd"]) for summary in summaries) == costs


def test_every_turn_of_the_mixed_run_is_answered(faulty: Faulty) -> None:
    assert len(faulty.turns) == 80
    assert [turn["job_id"] for turn in faulty.turns if "error" in turn or not turn["answer"]] == []


@dataclass(frozen=True)
class Down:
    """Turns while every service is down, the models are not; and one while they are down too."""

    turns: dict[str, dict[str, Any]]
    views: dict[str, dict[str, Any]]

    def node(self, turn: str, name: str) -> dict[str, Any]:
        found: dict[str, Any] = next(run for run in self.views[turn]["runs"] if run["is_node"] and run["name"] == name)
        return found


@pytest.fixture(scope="module")
def down(stage: Stage) -> Down:
    for service in ("kakao", "kma", "mois", "keco"):
        stage.simulator.world.faults.add(read_switch({"fault": "500", "provider": service}))
    wanted = ("location", "weather", "collection_point", "bulk_waste")
    messages = [{"message": INTENTS[intent], "job_id": intent} for intent in wanted]
    messages.append({"message": "가까운 제로웨이스트 가게 어디 있어?", "job_id": "nearby"})
    turns = stage.run("openai", "down", messages)
    for provider in PROVIDERS:
        stage.simulator.world.faults.add(read_switch({"fault": "500", "provider": provider}))
    turns += stage.run("openai", "down", [{"message": INTENTS["location"], "job_id": "all"}])
    stage.simulator.world.faults.switches.clear()
    views = {turn["job_id"]: stage.api.trace(turn["trace_id"]) for turn in turns}
    return Down(turns={turn["job_id"]: turn for turn in turns}, views=views)


@pytest.mark.parametrize("intent", ["location", "weather", "collection_point"])
def test_with_every_service_down_the_trace_shows_the_failed_node_and_its_cost(down: Down, intent: str) -> None:
    turn, node = down.turns[intent], down.node(intent, intent)
    assert turn["answer"]
    assert intent in {name for name, state in turn["nodes"].items() if state["status"] == "failed"}
    assert turn["missing"]
    assert node["status"] == "error"
    assert node["subtree"]["llm_calls"] == 1
    assert Decimal(node["subtree"]["cost_usd"]) > 0
    assert node["subtree"]["cost_usd"] == turn["nodes"][intent]["cost_usd"]
    assert down.views[intent]["trace"]["status"] == "success"


def test_fees_are_told_while_the_district_is_not(down: Down) -> None:
    assert down.node("bulk_waste", "bulk_waste")["status"] == "success"
    tool = next(run for run in down.views["bulk_waste"]["runs"] if run["name"] == "mois_household_waste")
    assert tool["status"] == "error"


def test_with_everything_down_an_apology_comes(down: Down) -> None:
    assert "죄송합니다" in down.turns["all"]["answer"]
    assert down.node("all", "answer")["status"] == "error"
    assert down.views["all"]["trace"]["cost_usd"] is None  # what a failed request cost is unknown


def test_a_turn_that_asks_for_a_place_is_interrupted_and_has_not_failed(down: Down, stage: Stage) -> None:
    turn = down.turns["nearby"]
    asked, resumed = (stage.api.trace(trace_id) for trace_id in turn["trace_ids"])
    routers = [run for run in asked["runs"] if run["name"] == "router"]
    assert [run["status"] for run in routers] == ["interrupted"]
    assert asked["trace"]["status"] != "error"
    assert [run["name"] for run in asked["runs"] if run["is_node"]] == ["intent", "router"]
    assert "intent" not in {run["name"] for run in resumed["runs"] if run["is_node"]}  # nothing is paid for twice
