"""A call that told no usage is estimated when asked to, and the estimate stays outside of all that is billed."""

from dataclasses import replace
from pathlib import Path

from tests.store.samples import charge, run, uid
from tests.store.serving import serving
from tests.store.test_metrics import llm_run

from everytoken.core.usage import Usage
from everytoken.ingest.estimating import MAX_TOKENISED_CHARS, Estimator

ASKED = {"messages": [{"role": "user", "content": "hello world"}]}
ANSWERED = {"content": "hello"}


class Words:
    """Counts words, so that the figures can be worked out by hand."""

    def encode_ordinary(self, text: str) -> list[int]:
        return [0] * len(text.split())


SILENT = replace(charge("a", None, tokens=None), provider="openai", response_model="gpt-4o")


def test_a_silent_call_is_estimated_from_what_its_run_shows() -> None:
    told = run(uid(1), run_type="llm", inputs=ASKED, outputs=ANSWERED).run

    found = Estimator(Words()).estimate(SILENT, told, None)
    # Two words, three tokens around the message and three before the reply.
    assert (found.quality, found.usage) == ("estimated", Usage(8, 1, source="estimated"))


def test_what_failed_runs_or_told_is_not_estimated() -> None:
    told = run(uid(1), run_type="llm", inputs=ASKED, outputs=ANSWERED).run
    for kept in (replace(SILENT, status="error"), replace(SILENT, status="pending"), charge("b")):
        assert Estimator(Words()).estimate(kept, told, None) is kept
    assert Estimator(Words()).estimate(SILENT, None, None) is SILENT


def test_an_estimate_outlives_the_payload_it_was_made_of() -> None:
    before = Estimator(Words()).estimate(SILENT, run(uid(1), run_type="llm", inputs=ASKED).run, None)

    assert Estimator(Words()).estimate(SILENT, None, before).usage == before.usage


def test_a_long_run_goes_by_its_bytes() -> None:
    long = {"messages": [{"role": "user", "content": "word " * (MAX_TOKENISED_CHARS // 4)}]}

    found = Estimator(Words()).estimate(SILENT, run(uid(1), run_type="llm", inputs=long).run, None)
    assert found.usage is not None
    assert "estimate_by_bytes" in found.usage.warnings


def test_a_server_told_to_estimate_shows_estimates_and_bills_none(tmp_path: Path) -> None:
    silent = llm_run("gpt-4o")
    silent["extra"] = {"metadata": {"ls_provider": "openai", "ls_model_name": "gpt-4o"}}
    with serving(tmp_path, EVERYTOKEN_ESTIMATE="true") as server:
        server.http.post("/runs/batch", json={"post": [silent]})
        server.flush()
        (held,) = server.get("/charges", project="shop")["charges"]
        assert (held["quality"], held["cost_status"]) == ("estimated", "estimated")
        assert held["input_tokens"] == 7  # one word, three tokens around the message and three before the reply
        summary = server.get("/projects/shop/summary")
        assert (summary["total_tokens"], summary["cost_known_usd"], summary["quality"]["estimated"]) == (0, "0", 1)
