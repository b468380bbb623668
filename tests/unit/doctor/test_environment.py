"""E1–E5: the tracing variables, as the SDK resolves them."""

import itertools
import os
from collections.abc import Mapping

import pytest
from langsmith import utils

from everytoken.doctor.environment import api_key, check_environment, effective, endpoint
from everytoken.doctor.finding import Finding, exit_code, redact

KEY = "lsv2_pt_0123456789abcdef"
GOOD = {"LANGSMITH_TRACING": "true", "LANGSMITH_API_KEY": KEY, "LANGSMITH_PROJECT": "eco2-chat-worker"}


def found(check: str, env: Mapping[str, str]) -> Finding:
    (finding,) = [finding for finding in check_environment(env) if finding.id == check]
    return finding


def test_a_complete_environment_has_no_problem() -> None:
    assert [(one.id, one.verdict) for one in check_environment(GOOD)] == [(f"E{n}", "ok") for n in range(1, 6)]


@pytest.mark.parametrize("value", [None, "True", "1", "false"])
def test_tracing_is_on_for_the_word_true_alone(value: str | None) -> None:
    env = {name: text for name, text in (GOOD | {"LANGSMITH_TRACING": value or ""}).items() if text}
    finding = found("E1", env)
    assert finding.verdict == "problem"
    assert finding.cure == "export LANGSMITH_TRACING=true LANGCHAIN_TRACING_V2=true"


def test_a_value_that_means_yes_and_is_not_true_gets_its_own_cause() -> None:
    assert "lower-case word true" in (found("E1", {"LANGCHAIN_TRACING_V2": "True"}).cause or "")
    assert found("E1", {"LANGCHAIN_TRACING_V2": "false"}).cause == "Tracing is off, so no run is sent."


@pytest.mark.parametrize(
    ("env", "verdict"),
    [
        ({"LANGSMITH_API_KEY": KEY}, "ok"),
        ({}, "problem"),
        ({"LANGSMITH_API_KEY": KEY + "\n"}, "problem"),
        ({"LANGSMITH_API_KEY": "sk-0123456789abcdef"}, "problem"),
        ({"LANGSMITH_ENDPOINT": "http://127.0.0.1:8700"}, "skipped"),
        ({"LANGSMITH_ENDPOINT": "http://127.0.0.1:8700", "LANGSMITH_API_KEY": "anything-else"}, "ok"),
    ],
)
def test_a_key_is_judged_by_where_it_is_sent(env: dict[str, str], verdict: str) -> None:
    assert found("E2", env).verdict == verdict


def test_no_finding_shows_more_than_four_characters_of_a_key() -> None:
    other = "lsv2_sk_fedcba9876543210"
    for env in (GOOD, GOOD | {"LANGCHAIN_API_KEY": other}, {"LANGSMITH_API_KEY": f" {KEY} "}):
        text = str(check_environment(env))
        assert "lsv2…" in text
        assert KEY[:9] not in text
        assert other[:9] not in text


def test_a_short_secret_is_not_shown_at_all() -> None:
    assert [redact("12345678"), redact("123456789")] == ["…", "1234…"]


@pytest.mark.parametrize(
    ("env", "verdict"),
    [
        ({"LANGCHAIN_PROJECT": "eco2-chat-worker"}, "ok"),
        ({"HOSTED_LANGSERVE_PROJECT_NAME": "hosted"}, "ok"),
        ({}, "problem"),
        ({"LANGSMITH_PROJECT": "default"}, "problem"),
    ],
)
def test_a_project_has_a_name_of_its_own(env: dict[str, str], verdict: str) -> None:
    assert found("E3", env).verdict == verdict


def test_two_names_of_one_setting_that_differ_are_a_conflict() -> None:
    finding = found("E4", GOOD | {"LANGCHAIN_PROJECT": "other"})
    assert finding.verdict == "problem"
    assert finding.evidence == "LANGSMITH_PROJECT=eco2-chat-worker wins over LANGCHAIN_PROJECT=other"
    assert finding.cure == "unset LANGCHAIN_PROJECT"
    assert found("E4", GOOD | {"LANGCHAIN_PROJECT": "eco2-chat-worker"}).verdict == "ok"


def test_two_switches_that_differ_are_a_conflict() -> None:
    finding = found("E4", {"LANGCHAIN_TRACING_V2": "false", "LANGSMITH_TRACING": "true"})
    assert finding.verdict == "problem"
    assert finding.evidence == "…_TRACING_V2=false wins over …_TRACING=true"


@pytest.mark.parametrize(
    ("env", "verdict"),
    [
        ({"LANGSMITH_TRACING_SAMPLING_RATE": "1.0"}, "ok"),
        ({"LANGSMITH_TRACING_SAMPLING_RATE": "0.25"}, "problem"),
        ({"LANGSMITH_TRACING_MODE": "hybrid"}, "ok"),
        ({"LANGSMITH_TRACING_MODE": "otel"}, "problem"),
        ({"LANGSMITH_OTEL_ENABLED": "true"}, "ok"),
        ({"LANGSMITH_OTEL_ENABLED": "true", "LANGSMITH_OTEL_ONLY": "true"}, "problem"),
        ({"LANGSMITH_RUNS_ENDPOINTS": "{}"}, "problem"),
    ],
)
def test_runs_that_are_dropped_or_sent_elsewhere_are_told(env: dict[str, str], verdict: str) -> None:
    assert found("E5", env).verdict == verdict


@pytest.fixture
def sdk_environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in list(os.environ):
        if name.startswith(("LANGSMITH_", "LANGCHAIN_")):
            monkeypatch.delenv(name)
    return monkeypatch


def test_resolution_is_the_sdk_s_own(sdk_environment: pytest.MonkeyPatch) -> None:
    values = (None, "", "true", "True")
    names = ("LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING_V2", "LANGSMITH_TRACING", "LANGCHAIN_TRACING")
    for choice in itertools.product(values, repeat=4):
        env = {name: value for name, value in zip(names, choice, strict=True) if value is not None}
        with sdk_environment.context() as patch:
            for name, value in env.items():
                patch.setenv(name, value)
            utils.get_env_var.cache_clear()  # type: ignore[attr-defined]  # its overloads hide the cache
            assert (found("E1", env).verdict == "ok") is utils.tracing_is_enabled(), env
            assert effective(env, "TRACING") == utils.get_env_var("TRACING")
    utils.get_env_var.cache_clear()  # type: ignore[attr-defined]  # its overloads hide the cache


def test_endpoint_and_key_are_the_sdk_s_own(sdk_environment: pytest.MonkeyPatch) -> None:
    env = {"LANGCHAIN_ENDPOINT": ' "https://eu.api.smith.langchain.com/" ', "LANGCHAIN_API_KEY": f" '{KEY}' "}
    for name, value in env.items():
        sdk_environment.setenv(name, value)
    utils.get_env_var.cache_clear()  # type: ignore[attr-defined]  # its overloads hide the cache
    assert endpoint({}) == "https://api.smith.langchain.com"
    assert api_key(env) == utils.get_api_key(None) == KEY
    assert endpoint(env).rstrip('/"') == utils.get_api_url(None).rstrip('/"')
    utils.get_env_var.cache_clear()  # type: ignore[attr-defined]  # its overloads hide the cache


def test_the_exit_code_is_the_worst_verdict() -> None:
    def one(verdict: str) -> Finding:
        return Finding("X", verdict, "", "")  # type: ignore[arg-type]  # a loop over the four words

    assert exit_code([one("ok"), one("skipped")]) == 0
    assert exit_code([one("ok"), one("unknown")]) == 2
    assert exit_code([one("unknown"), one("problem")]) == 1


def test_a_password_in_an_address_is_not_shown() -> None:
    env = {"LANGSMITH_ENDPOINT": "http://me:hidden@host:8700/api?key=hidden", "LANGCHAIN_ENDPOINT": "http://b:hidden@c"}
    text = str(check_environment(env))
    assert "http://host:8700/api" in text
    assert "hidden" not in text
