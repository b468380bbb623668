"""P1: what each path's runs say beside the bill, both verdicts; and the paths themselves, by real processes."""

from dataclasses import replace
from typing import Any

from everytoken.doctor.finding import Finding
from everytoken.doctor.paths import PathsError, Tried, check_paths

ROWS = {
    "openai.chat": {"path": 1, "mechanism": "response.usage", "calls": 1, "error": None},
    "gemini.generate.stream": {"path": 6, "mechanism": "the last usage_metadata", "calls": 1, "error": None},
}


def llm(trace: str, response_id: str, usage: dict[str, int] | None) -> dict[str, Any]:
    metadata = {"everytoken": {"response_id": response_id}, **({"usage_metadata": usage} if usage else {})}
    return {"name": "call", "run_type": "llm", "trace_id": trace, "metadata": metadata}


def used(given: int, made: int) -> dict[str, int]:
    return {"input_tokens": given, "output_tokens": made, "total_tokens": given + made}


GOOD = Tried(
    rows=ROWS,
    runs=[
        {"name": "path-1-openai.chat", "run_type": "chain", "trace_id": "t1"},
        llm("t1", "r1", used(47, 12)),
        {"name": "path-6-gemini.generate.stream", "run_type": "chain", "trace_id": "t6"},
        llm("t6", "r6", used(30, 9)),
    ],
    billed={"r1": {"input": 47, "output": 12}, "r6": {"input": 30, "output": 9}},
)


def found(tried: Tried) -> list[Finding]:
    return check_paths({}, lambda _env: tried)


def test_paths_that_say_what_was_billed_are_one_line() -> None:
    (finding,) = found(GOOD)
    assert (finding.verdict, finding.evidence) == ("ok", "2 paths, 2 calls, every one as the simulator billed it")


def test_a_path_that_counts_otherwise_is_named_with_file_and_mechanism() -> None:
    (finding,) = found(replace(GOOD, runs=[*GOOD.runs[:3], llm("t6", "r6", used(30, 8))]))
    assert (finding.id, finding.verdict) == ("P1", "problem")
    assert finding.what == "Path 6 (gemini.generate.stream) is counted as billed"
    assert finding.evidence == "call: 30 + 8 tokens told, 30 + 9 billed"
    assert finding.cause == (
        "The usage of this path stands in: the last usage_metadata. It is read in eco2/llm/gemini.py."
    )


def test_no_usage_no_run_no_bill_and_an_error_are_told_apart() -> None:
    def evidence(tried: Tried) -> str:
        return found(tried)[0].evidence

    assert evidence(replace(GOOD, runs=[GOOD.runs[0], llm("t1", "r1", None), *GOOD.runs[2:]])) == (
        "call: usage_metadata is missing"
    )
    assert evidence(replace(GOOD, runs=GOOD.runs[2:])) == "no llm run was sent"
    assert evidence(replace(GOOD, billed={"r6": GOOD.billed["r6"]})) == "call: the simulator billed no response r1"
    rows = {**ROWS, "openai.chat": {**ROWS["openai.chat"], "error": "TimeoutError: "}}
    assert evidence(replace(GOOD, rows=rows)) == "TimeoutError: "


def test_processes_that_fail_leave_the_check_open() -> None:
    def fails(_env: object) -> Tried:
        raise PathsError("the simulator did not start")

    (finding,) = check_paths({}, fails)
    assert (finding.verdict, finding.evidence) == ("unknown", "the simulator did not start")
