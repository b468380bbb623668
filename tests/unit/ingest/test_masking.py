"""What masks take out of a run, what they leave, and which patterns are refused."""

import time
from dataclasses import replace

import pytest

from everytoken.core.run import Run
from everytoken.ingest.masking import (
    BUILT_IN,
    MAX_PATTERN_CHARS,
    MaskError,
    compile_masks,
    masked,
    masked_text,
    masking,
)
from everytoken.store.project_settings import ProjectSettings


def run(**fields: object) -> Run:
    return Run(
        run_id="r", trace_id="r", project="shop", name="n", run_type="llm", start_us=0, **fields,  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("mail kim.minsu+a@example.co.kr now", "mail [masked:email] now"),
        ("010-1234-5678", "[masked:phone]"),
        ("+82 10-1234-5678", "[masked:phone]"),
        ("4111 1111 1111 1111", "[masked:card]"),
        ("4111111111111111", "[masked:card]"),
        ("900101-1234567", "[masked:kr_resident]"),
        ("123-45-6789", "[masked:us_ssn]"),
        ("from 10.0.0.1 on", "from [masked:ipv4] on"),
        ("GB82 WEST 1234 5698 7654 32", "[masked:iban]"),
        ("key sk-abcdefghijklmnopqrstu", "key [masked:secret]"),
        ("2026-11-23T01:28:33Z", "2026-11-23T01:28:33Z"),
        ("gpt-5.2-2025-12-11 costs 1.75", "gpt-5.2-2025-12-11 costs 1.75"),
        ("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
        ("투명 페트병 12-34개", "투명 페트병 12-34개"),
    ],
)
def test_a_built_in_mask_takes_what_it_names_and_leaves_the_rest(text: str, left: str) -> None:
    everything = compile_masks(tuple(BUILT_IN), ())
    assert masked(run(inputs={"q": [text]}), everything).inputs == {"q": [left]}
    assert masked(run(inputs={"q": [left]}), everything).inputs == {"q": [left]}


def test_all_content_is_masked_and_what_accounts_for_it_is_not() -> None:
    secret = "a@b.io"
    shown = masked(
        run(
            inputs=secret, outputs={"text": secret, "id": secret, "usage_metadata": {"input_tokens": 3}},
            events=[{"name": "x", "kwargs": {"token": secret}}], error=f"bad {secret}",
            metadata={"user_id": secret, "ls_model_name": "gpt-5.2", "note": secret},
            extra={"invocation_params": {"model": "gpt-5.2", "user": secret}},
        ),
        compile_masks(("email",), ()),
    )  # fmt: skip
    gone = "[masked:email]"
    assert (shown.inputs, shown.error) == (gone, f"bad {gone}")
    assert shown.outputs == {"text": gone, "id": secret, "usage_metadata": {"input_tokens": 3}}
    assert list(shown.events) == [{"name": "x", "kwargs": {"token": gone}}]
    assert shown.metadata == {"user_id": secret, "ls_model_name": "gpt-5.2", "note": gone}
    assert shown.extra == {"invocation_params": {"model": "gpt-5.2", "user": gone}}


def test_names_and_tags_of_runs_are_masked_but_for_what_a_graph_is_known_by() -> None:
    patterns = compile_masks(("email",), ("step",))
    shown = masked(run(tags=("graph:step:1", "for a@b.io")), patterns)
    assert shown.tags == ("graph:step:1", "for [masked:email]")
    named = masked(replace(run(), name="answer a@b.io"), patterns)
    assert named.name == "answer [masked:email]"
    node = replace(run(metadata={"langgraph_node": "first_step"}), name="first_step")
    assert masked(node, patterns).name == "first_step"


def test_what_only_looks_like_an_id_by_its_key_is_masked() -> None:
    """Content hid under keys that happen to end in the letters of an id, and below keys of models."""
    secret, gone = "kim@example.com", "[masked:email]"
    content = {
        "paid": secret, "valid": secret, "android": secret,
        "model": {"prompt": secret}, "ls_params": [{"text": secret}], "id": f"a sentence for {secret}",
        "user_id": secret, "sessionId": secret, "traceID": secret, "session.id": secret, "ids": [secret],
        "tool_call_id": ["call_1", secret],
    }  # fmt: skip
    assert masked(run(inputs=content), compile_masks(("email",), ())).inputs == {
        "paid": gone, "valid": gone, "android": gone,
        "model": {"prompt": gone}, "ls_params": [{"text": gone}], "id": f"a sentence for {gone}",
        "user_id": secret, "sessionId": secret, "traceID": secret, "session.id": secret, "ids": [gone],
        "tool_call_id": ["call_1", secret],
    }  # fmt: skip


def test_a_project_without_masks_keeps_its_runs_as_they_are() -> None:
    class Plain:
        def settings_of(self, _project: str) -> ProjectSettings:
            return ProjectSettings()

    given = run(inputs="a@b.io")
    assert masking(Plain())(given) is given


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "not a pattern"),
        ("(?=x)", "not a pattern"),
        (r"(a)\1", "not a pattern"),
        ("(x{1000}){1000}", "not a pattern"),
        ("x*", "matches the empty text"),
        ("", "matches the empty text"),
        ("x" * (MAX_PATTERN_CHARS + 1), "at most"),
    ],
)
def test_a_pattern_that_cannot_be_is_refused_by_its_place(pattern: str, reason: str) -> None:
    with pytest.raises(MaskError, match=reason) as refused:
        compile_masks((), ("fine", pattern))
    assert refused.value.field == "mask_patterns.1"


def test_a_pattern_that_stops_other_engines_takes_no_time() -> None:
    patterns = compile_masks((), ("(a+)+$", "(a|aa)+$", "(.*a){20}"))
    began = time.monotonic()
    masked(run(inputs="a" * 100_000 + "b"), patterns)
    assert time.monotonic() - began < 5


def test_a_text_is_masked_and_each_place_counted() -> None:
    patterns = compile_masks(("email",), ("kim",))
    assert masked_text("kim@example.com, lee@example.com, kim", patterns) == (
        "[masked:email], [masked:email], [masked:custom]",
        3,
    )
