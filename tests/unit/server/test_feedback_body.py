"""Feedback is kept whatever its parts are: nothing of it may stop who reads it, or the feedback that came with it."""

from everytoken.server.feedback_body import as_feedback

RUN = "01a204f2-8c53-7543-9601-000000000001"


def test_what_no_client_could_read_back_is_left_out() -> None:
    body = as_feedback(
        {
            "key": "k", "run_id": RUN, "score": True, "comment": {"a": 1}, "correction": 5, "extra": [1], "error": "x",
            "feedback_source": {"type": ["model"], "metadata": "m", "user_name": "u"}, "start_time": "soon",
            "comparative_experiment_id": {"a": 1}, "feedback_group_id": "g", "feedback_config": 5, "value": {"v": 1},
        },
        at_us=7,
    )  # fmt: skip

    assert body is not None
    assert body.pop("id")
    assert body == {
        "key": "k", "run_id": RUN, "trace_id": None, "session_id": None, "score": 1.0, "value": {"v": 1},
        "comment": "{'a': 1}", "correction": None, "extra": None, "error": None, "feedback_config": None,
        "feedback_source": {"type": "api", "metadata": {}, "user_name": "u"}, "start_time": None,
        "comparative_experiment_id": None, "feedback_group_id": None, "created_us": 7, "modified_us": 7,
    }  # fmt: skip


def test_without_a_key_or_with_a_score_that_is_no_number_it_is_no_feedback() -> None:
    for wrong in ({"key": None}, {"key": ""}, {"run_id": "x"}, {"score": "much"}, {"score": float("nan")}):
        assert as_feedback({"key": "k", "run_id": RUN, **wrong}, at_us=7) is None
