"""P3: a zero, explained."""

from typing import Any

from tests.unit.doctor.answers import CALL, NOTHING, api, charge, run, server, silent

from everytoken.doctor.explain import explain_project, explain_trace
from everytoken.doctor.finding import Finding


def trace(runs: list[dict[str, Any]], charges: list[dict[str, Any]]) -> list[Finding]:
    return explain_trace(api({"/traces/t1": {"runs": runs, "charges": charges}}), "t1")


def test_a_counted_node_and_a_node_without_a_model_are_told_apart() -> None:
    findings = explain_trace(api(server()), "t1")
    assert [(one.what, one.verdict) for one in findings] == [
        ("Node intent is counted", "ok"),
        ("Node router is counted", "skipped"),
    ]
    assert findings[1].evidence == "it calls no model: 0 tokens is the true number"


def test_a_stream_that_was_not_asked_for_usage_is_explained_down_to_the_setting() -> None:
    (finding,) = trace(
        [run("answer")],
        [charge(node="answer", call_path="openai.chat.stream", quality="missing", layer="client", total_tokens=None)],
    )
    assert finding.verdict == "problem"
    assert "openai.chat.stream of gpt-5.2: missing (stream_without_usage), seen by framework" in finding.evidence
    assert 'stream_options={"include_usage": True}' in (finding.cure or "")


def test_a_framework_s_stream_gets_the_framework_s_setting() -> None:
    (finding,) = trace([run("intent")], [charge(call_path="openai.chat.stream", quality="missing")])
    assert finding.cure == "ChatOpenAI(..., stream_usage=True)"


def test_a_failed_call_is_no_fault_of_the_app() -> None:
    (finding,) = trace([run("intent")], [charge(quality="missing", status="error")])
    assert finding.verdict == "ok"
    assert "A refusal is not billed" in finding.evidence


def test_a_cut_stream_shows_its_flag() -> None:
    (finding,) = trace([run("intent")], [charge(quality="partial", flags=["usage_stream_cut"])])
    assert "flags usage_stream_cut" in finding.evidence
    assert (
        finding.cause
        == "The stream was cut before its last chunk; what was counted until then is kept. Read it to its end."
    )


def test_a_missing_price_is_explained_too() -> None:
    (finding,) = trace([run("intent")], [charge(cost_usd=None, cost_status="unpriced", cost_reason="model_unknown")])
    assert finding.cause == "The model is in no price table. Add its price and name it to the server."


def test_an_llm_run_without_a_charge_is_found() -> None:
    call = run("ChatOpenAI", run_type="llm", node="answer", is_node=False)
    findings = trace([run("answer"), call], [])
    assert [finding.verdict for finding in findings] == ["problem"]
    assert "is an llm run without a charge" in findings[0].evidence


def test_an_llm_run_within_a_charged_one_is_the_same_call() -> None:
    outer = run("ChatOpenAI", run_type="llm", node="intent", is_node=False, charge_keys=["c1"], subtree=CALL)
    inner = run("openai", run_type="llm", node="intent", is_node=False, parent_run_id="run-ChatOpenAI")
    assert [finding.verdict for finding in trace([run("intent"), outer, inner], [charge()])] == ["ok"]


def test_a_trace_of_steps_alone_is_the_post_s_39_runs_and_0_tokens() -> None:
    findings = trace([run("intent"), run("answer")], [])
    assert [finding.verdict for finding in findings] == ["skipped", "skipped", "problem"]
    assert findings[2].evidence == "2 runs, none of type llm"
    assert "everytoken.instrument()" in (findings[2].cure or "")


def test_a_trace_that_is_not_there_leads_back_to_the_sender() -> None:
    (finding,) = explain_trace(api({}), "gone")
    assert finding.verdict == "problem"
    assert "E1 to E5" in (finding.cause or "")


def test_without_a_server_nothing_is_claimed() -> None:
    assert [finding.verdict for finding in explain_trace(silent(), "t1")] == ["unknown"]
    assert [finding.verdict for finding in explain_project(silent(), "shop")] == ["unknown"]


def test_a_project_in_order_is_counted_on_every_path() -> None:
    (finding,) = explain_project(api(server()), "shop")
    assert (finding.what, finding.verdict) == ("Call path openai.chat is counted", "ok")


def test_a_project_s_uncounted_path_says_cause_cure_and_an_example() -> None:
    answers = server()
    cause = {
        "kind": "usage", "code": "framework_without_usage", "calls": 27, "trace_ids": ["t9"],
        "text": "Not told to ask.", "snippet": "ChatOpenAI(..., stream_usage=True)",
    }  # fmt: skip
    answers["/projects/shop/coverage"]["paths"][0] |= {"llm_calls": 39, "causes": [cause]}
    (finding,) = explain_project(api(answers), "shop")
    assert finding.evidence == "27 of 39 calls (framework_without_usage), trace t9"
    assert (finding.cause, finding.cure) == ("Not told to ask.", "ChatOpenAI(..., stream_usage=True)")


def test_a_project_without_a_call_is_not_instrumented() -> None:
    answers = server()
    answers["/projects/shop/summary"] = {**NOTHING, "project": "shop", "traces": 39, "runs": 663}
    (finding,) = explain_project(api(answers), "shop")
    assert finding.evidence == "39 traces, 663 runs, 0 model calls"
