"""The settings of the client half: read once, never a reason to fail."""

import logging
import re

import httpx2
import pytest

import everytoken
from everytoken.instrument.settings import TABLE, ClientSettings, read_settings

from .conftest import Sent
from .test_openai import COMPLETION, MESSAGES, client_of


def test_nothing_set_gives_the_defaults_of_the_table() -> None:
    assert read_settings({}) == (ClientSettings(), ())
    assert {setting.name: setting.default for setting in TABLE} == {
        "content": "full",
        "content_sample": 1.0,
        "mask": (),
        "export": "langsmith",
        "start_after_s": 0.5,
        "exit_timeout_s": 2.0,
        "queue_max": 10_000,
        "queue_max_bytes": 67_108_864,
    }


def test_each_variable_is_read() -> None:
    settings, faults = read_settings(
        {
            "EVERYTOKEN_CONTENT": "Masked",
            "EVERYTOKEN_CONTENT_SAMPLE": "0.1",
            "EVERYTOKEN_MASK": "ORD-\\d+\n\nCUST-\\d+",
            "EVERYTOKEN_EXPORT": "otel",
            "EVERYTOKEN_START_AFTER_S": "2",
            "EVERYTOKEN_EXIT_TIMEOUT_S": "0",
            "EVERYTOKEN_QUEUE_MAX": "5",
            "EVERYTOKEN_QUEUE_MAX_BYTES": "2048",
        }
    )
    assert faults == ()
    assert settings == ClientSettings(
        content="masked",
        content_sample=0.1,
        mask=(re.compile(r"ORD-\d+"), re.compile(r"CUST-\d+")),
        export="otel",
        start_after_s=2.0,
        exit_timeout_s=0.0,
        queue_max=5,
        queue_max_bytes=2048,
    )


@pytest.mark.parametrize(
    ("variable", "text", "cure"),
    [
        ("EVERYTOKEN_CONTENT", "some", "one of full, masked, none"),
        ("EVERYTOKEN_EXPORT", "jaeger", "one of langsmith, otel"),
        ("EVERYTOKEN_CONTENT_SAMPLE", "1.5", "a number from 0 to 1"),
        ("EVERYTOKEN_CONTENT_SAMPLE", "nan", "a number from 0 to 1"),
        ("EVERYTOKEN_CONTENT_SAMPLE", "half", "a number from 0 to 1"),
        ("EVERYTOKEN_QUEUE_MAX", "1e3", "a whole number from 1 to 1,000,000"),
        ("EVERYTOKEN_QUEUE_MAX", "0", "a whole number from 1 to 1,000,000"),
        ("EVERYTOKEN_MASK", "(", "regular expressions, one a line"),
    ],
)
def test_a_value_that_is_none_leaves_the_default_and_says_the_cure(variable: str, text: str, cure: str) -> None:
    settings, (fault,) = read_settings({variable: text})
    assert settings == ClientSettings()
    assert fault.startswith(f"{variable}={text!r} is ignored; it must be {cure}")


def test_an_argument_stands_above_the_environment_and_a_wrong_one_behind_it() -> None:
    environment = {"EVERYTOKEN_CONTENT": "none", "EVERYTOKEN_QUEUE_MAX": "7"}
    settings, faults = read_settings(environment, {"content": "masked", "content_sample": 0.5, "mask": ["a", "b+"]})
    assert (settings.content, settings.content_sample, settings.queue_max) == ("masked", 0.5, 7)
    assert settings.mask == (re.compile("a"), re.compile("b+"))
    assert faults == ()
    settings, faults = read_settings(environment, {"queue_max": -1, "colour": "red"})
    assert (settings.content, settings.queue_max) == ("none", 7)
    assert faults == (
        "there is no setting 'colour'",
        "queue_max=-1 is ignored; it must be a whole number from 1 to 1,000,000",
    )


def test_a_wrong_value_is_logged_once_and_never_raised(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("EVERYTOKEN_CONTENT", "some")
    with caplog.at_level(logging.WARNING, "everytoken"):
        everytoken.instrument(Sent())
        everytoken.instrument(Sent())
    everytoken.uninstrument()
    assert [record.getMessage() for record in caplog.records] == [
        "everytoken: EVERYTOKEN_CONTENT='some' is ignored; it must be one of full, masked, none"
    ]


def test_an_argument_of_instrument_is_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVERYTOKEN_CONTENT", "full")
    client = Sent()
    everytoken.instrument(client, content="none")
    client_of(lambda _: httpx2.Response(200, json=COMPLETION)).chat.completions.create(model="m", messages=MESSAGES)
    runs = client.runs
    everytoken.uninstrument()
    assert [run.inputs for run in runs] == [{}]
