"""K1–K4: the cluster, with a table of answers in place of kubectl."""

import json
from collections.abc import Sequence

import pytest

from everytoken.doctor.cluster import KubectlError, Target, check_cluster
from everytoken.doctor.finding import Finding

KEY = "lsv2_pt_0123456789abcdef"
ENV = f"PATH=/bin\nLANGCHAIN_TRACING_V2=true\nLANGCHAIN_PROJECT=eco2-chat-worker\nLANGCHAIN_API_KEY={KEY}\n"
ENTRY = {
    "metadata": {"name": "langsmith-api", "namespace": "chat"},
    "spec": {"hosts": ["api.smith.langchain.com"], "ports": [{"number": 443}], "location": "MESH_EXTERNAL"},
}
SECRET = {"creationTimestamp": "2026-01-01T00:00:00Z", "managedFields": [{"time": "2026-01-27T08:00:00Z"}]}


def pods(start: str) -> str:
    return json.dumps({"items": [{"metadata": {"name": "chat-worker-1"}, "status": {"startTime": start}}]})


GOOD = {
    "exec": ENV,
    "serviceentry": json.dumps({"items": [ENTRY]}),
    "secret": json.dumps(SECRET),
    "pods": pods("2026-01-27T09:00:00Z"),
    "logs": "INFO langsmith: sent 12 runs\nINFO turn done\n",
}


def check(check_id: str, **changed: str) -> Finding:
    answers = GOOD | changed

    def run(arguments: Sequence[str]) -> str:
        if arguments[0] == "config":
            return "prod\n"
        assert list(arguments[:2]) == ["--context", "prod"]
        assert not {"apply", "delete", "restart", "patch", "set"} & set(arguments)
        return answers[next(word for word in answers if word in arguments)]

    (finding,) = [finding for finding in check_cluster(Target(), run) if finding.id == check_id]
    return finding


@pytest.mark.parametrize("check_id", ["K1", "K2", "K3", "K4"])
def test_a_good_cluster_passes(check_id: str) -> None:
    assert check(check_id).verdict == "ok"


def test_without_a_context_all_is_skipped_and_said() -> None:
    def run(_arguments: Sequence[str]) -> str:
        raise KubectlError("error: current-context is not set")

    findings = check_cluster(Target(), run)
    assert [(finding.id, finding.verdict) for finding in findings] == [(f"K{n}", "skipped") for n in range(1, 5)]
    assert findings[0].evidence == "no cluster is configured: error: current-context is not set"


def test_a_pod_without_tracing_is_found() -> None:
    finding = check("K1", exec="PATH=/bin\nLANGCHAIN_TRACING_V2=True\n")
    assert finding.verdict == "problem"
    assert (finding.cure or "").startswith("kubectl -n chat set env deployment/chat-worker")


def test_the_pod_s_key_is_shown_by_four_characters() -> None:
    assert check("K1").evidence == "3 variables, key lsv2…"


def test_a_missing_service_entry_is_found() -> None:
    assert check("K2", serviceentry='{"items": []}').verdict == "problem"


def test_a_service_entry_that_is_not_a_way_out_is_found() -> None:
    inward = ENTRY | {"spec": {**ENTRY["spec"], "location": "MESH_INTERNAL"}}  # type: ignore[dict-item]  # a JSON text
    assert check("K2", serviceentry=json.dumps({"items": [inward]})).verdict == "problem"


def test_a_pod_older_than_the_secret_is_found_and_restarted_in_the_right_namespace() -> None:
    finding = check("K3", pods=pods("2026-01-27T07:59:59Z"))
    assert finding.verdict == "problem"
    assert finding.evidence == "older than the secret (2026-01-27 08:00 UTC): chat-worker-1"
    assert finding.cure == "kubectl -n chat rollout restart deployment/chat-worker"


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("WARNING langsmith: 401 Unauthorized", "the key is refused"),
        ("WARNING langsmith: 429 Too Many Requests", "the service limits the rate"),
        ("WARNING langsmith: request timed out", "requests time out"),
        ("WARNING langsmith: tracing queue is full", "the client's queue is full"),
        ("WARNING langsmith: Connection refused", "the endpoint cannot be reached"),
    ],
)
def test_trouble_in_the_log_is_named(line: str, cause: str) -> None:
    finding = check("K4", logs=f"{line}\n")
    assert finding.verdict == "problem"
    assert cause in finding.evidence


def test_trouble_of_something_else_is_not_ours() -> None:
    assert check("K4", logs="ERROR kakao: 401 Unauthorized\n").verdict == "ok"


@pytest.mark.parametrize(("check_id", "word"), [("K2", "serviceentry"), ("K3", "secret"), ("K3", "pods")])
def test_an_answer_that_cannot_be_read_is_unknown(check_id: str, word: str) -> None:
    assert check(check_id, **{word: "not JSON"}).verdict == "unknown"


def test_no_pod_is_unknown() -> None:
    assert check("K3", pods='{"items": []}').verdict == "unknown"
