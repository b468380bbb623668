"""How parallel answers merge."""

from eco2.state import CONTEXT_OF, RESET, Context, failed, fresh_turn, gathered, merge_context

OLD = gathered("web_search", {"text": "old"})
NEW = gathered("feedback", {"text": "new"}, fallback=True)


def test_the_newest_success_wins() -> None:
    assert merge_context(OLD, NEW) is NEW


def test_a_failure_never_replaces_a_success() -> None:
    assert merge_context(OLD, failed("feedback", "down")) is OLD


def test_a_success_replaces_a_failure() -> None:
    assert merge_context(failed("web_search", "down"), NEW) is NEW


def test_a_reset_forgets() -> None:
    assert merge_context(OLD, RESET) == Context()
    assert merge_context(Context(), NEW) is NEW


def test_a_fresh_turn_resets_every_context() -> None:
    turn = fresh_turn(job_id="j", session_id="s", user_id="u", message="m", image_url=None, location=None)
    assert {key for key, value in turn.items() if value == RESET} == set(CONTEXT_OF.values())
