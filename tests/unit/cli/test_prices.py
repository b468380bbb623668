"""`everytoken prices` as a person types it: data on stdout, talk on stderr, exit 0, 1 or 2."""

import functools
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from everytoken.cli import main, prices

RESPONSES = Path(__file__).parents[2] / "data" / "prices" / "responses.jsonl"
GOOD = (
    'version = 1\n[[price]]\nprovider = "openai"\nmodels = ["gpt-5.2"]\nmode = "patch"\nmultiply = 0.5\n'
    'source = "contract"\nchecked = 2026-11-01\n'
)

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str, stdin: str | bytes = b"") -> tuple[int, str, str]:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "argv", ["everytoken", "prices", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))
        with pytest.raises(SystemExit) as done:
            main()
        out, err = capsys.readouterr()
        return int(done.value.code or 0), out, err

    return run


def answers(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


# compute


def test_every_shape_of_response_is_priced_as_worked_out_by_hand(run: Run) -> None:
    cases = [json.loads(line) for line in RESPONSES.read_text(encoding="utf-8").splitlines()]
    code, out, err = run("compute", stdin="".join(json.dumps(case["record"]) + "\n" for case in cases))
    found = {answer["id"]: (answer.get("cost_usd"), answer.get("reason")) for answer in answers(out)}
    assert found == {case["record"]["id"]: (case["cost_usd"], case["reason"]) for case in cases}
    assert (code, err) == (0, "")


def test_the_answer_holds_usage_warnings_status_and_the_arithmetic(run: Run) -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 10, "prompt_tokens_details": {"cached_tokens": 400}}
    record = {"id": 7, "provider": "openai", "model": "gpt-5.2", "shape": "openai.chat", "raw": {"usage": usage}}
    _, out, _ = run("compute", "--json", stdin=json.dumps(record))
    (answer,) = answers(out)
    assert answer == {
        "id": 7,
        "usage": {
            "input_tokens": 1000, "output_tokens": 10, "total_tokens": 1010,
            "input_token_details": {"cache_read": 400}, "output_token_details": {}, "meters": {},
            "requests": 1, "source": "provider", "tier": None,
        },
        "warnings": [],
        "cost_usd": "0.00126",
        "status": "priced",
        "reason": None,
        "price_entry": "openai/gpt-5.2",
        "price_source": "genai-prices 0.2.3",
        "breakdown": [
            {"token_class": "input", "count": "600", "rate_usd": "1.75", "per": 1000000, "usd": "0.00105"},
            {"token_class": "cache_read", "count": "400", "rate_usd": "0.175", "per": 1000000, "usd": "0.00007"},
            {"token_class": "output", "count": "10", "rate_usd": "14", "per": 1000000, "usd": "0.00014"},
        ],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "identity", "error"),
    [
        (b"{", None, "not JSON"),
        (b"\xff\xfe", None, "not JSON"),
        (b"[" * 100_000, None, "not JSON"),
        (b"7", None, "not a JSON object"),
        (b'"text"', None, "not a JSON object"),
        (b'{"id": 1}', 1, "`shape` is missing"),
        (b'{"id": 1, "shape": "openai.chat"}', 1, "`raw` is missing"),
        (b'{"id": 1, "shape": "nobody.chat", "raw": {}}', 1, "unknown shape 'nobody.chat'"),
        (b'{"id": 1, "shape": "openai.chat", "raw": {}, "context": 3}', 1, "`context` is not an object"),
        (b'{"id": 1, "shape": "openai.chat", "raw": {}, "model": 3}', 1, "`model` is not a text"),
        (b'{"id": 1, "shape": "openai.chat", "raw": {}, "at": "yesterday"}', 1, "`at` is not an ISO time"),
        (b'{"id": 1, "shape": "openai.chat", "raw": {}, "at": true}', 1, "`at` is not an ISO time"),
    ],
)
def test_a_bad_line_gets_an_error_and_the_rest_goes_on(run: Run, line: bytes, identity: Any, error: str) -> None:
    good = b'{"id": "good", "shape": "openai.chat", "model": "gpt-5.2", "raw": {"usage": {"prompt_tokens": 1000}}}'
    code, out, err = run("compute", stdin=line + b"\n\n" + good)
    bad, rest = answers(out)
    assert (bad["id"], rest["id"]) == (identity, "good")
    assert error in bad["error"]
    assert code == 1
    assert "1 lines could not be read" in err
    assert "hint: " in err


def test_a_line_too_long_is_skipped_without_being_kept(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prices, "MAX_LINE_BYTES", 200)
    good = '{"id": "good", "shape": "openai.chat", "model": "gpt-5.2", "raw": {}}'
    code, out, _ = run("compute", stdin="x" * 1_000 + "\n" + good)
    assert [answer.get("error") for answer in answers(out)] == ["the line is longer than 64 MiB", None]
    assert code == 1


def test_microseconds_are_a_time_too(run: Run) -> None:
    record = {"id": 1, "model": "o3", "at": 1749513599000000, "shape": "openai.chat",
              "raw": {"usage": {"prompt_tokens": 1000, "completion_tokens": 1000}}}  # fmt: skip
    _, out, _ = run("compute", stdin=json.dumps(record))
    assert answers(out)[0]["cost_usd"] == "0.05"  # 2025-06-09: 10 + 40


def test_no_lines_are_no_error(run: Run) -> None:
    assert run("compute") == (0, "", "")


def test_overrides_are_in_force(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    file.write_text(GOOD, encoding="utf-8")
    record = {"id": 1, "model": "gpt-5.2", "shape": "openai.chat",
              "raw": {"usage": {"prompt_tokens": 47, "completion_tokens": 12}}}  # fmt: skip
    _, out, _ = run("compute", "--prices", str(file), stdin=json.dumps(record))
    assert answers(out)[0]["cost_usd"] == "0.000125125"  # 0.00025025 / 2


def test_wrong_overrides_are_refused_before_anything_is_read(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    file.write_text(GOOD.replace("0.5", "-0.5"), encoding="utf-8")
    code, out, err = run("compute", "--prices", str(file), stdin="{}")
    assert (code, out) == (2, "")
    assert f"{file}:6: `multiply` is negative" in err
    assert "hint: write 0 or more" in err


# list and show


def test_list_finds_models_and_says_where_their_prices_come_from(run: Run) -> None:
    code, out, err = run("list", "gpt-6.2")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "openai\tgpt-6.2-sol\tbuilt-in:prices.toml (checked 2026-11-22)",
        "openai\tgpt-6.2-astra\tbuilt-in:prices.toml (checked 2026-11-22)",
    ]


def test_list_speaks_json_and_filters_by_provider(run: Run) -> None:
    _, out, _ = run("list", "gemini-2.5-pro", "--provider", "google", "--json")
    models = json.loads(out)
    assert {"provider": "google", "model": "gemini-2.5-pro", "source": "genai-prices 0.2.3", "checked": None} in models
    assert {model["provider"] for model in models} == {"google"}


def test_list_of_nothing_is_a_problem_with_a_hint(run: Run) -> None:
    code, out, err = run("list", "nobody")
    assert (code, out) == (1, "")
    assert "hint: " in err


def test_show_prints_the_rates_of_a_day(run: Run) -> None:
    code, out, _ = run("show", "gpt-5.6-sol", "--at", "2026-08-20")
    assert code == 0
    assert out.splitlines()[0] == "openai/gpt-5.6-sol at 2026-08-20 (standard), genai-prices 0.2.3"
    assert "  input_mtok\t5 USD / 1,000,000" in out.splitlines()
    assert "  input_mtok\t10 USD / 1,000,000 above 272,000 input tokens" in out.splitlines()
    _, later, _ = run("show", "gpt-5.6-sol", "--at", "2026-08-21T00:00:00+00:00")
    assert "  input_mtok\t4 USD / 1,000,000" in later.splitlines()


def test_show_speaks_json_and_knows_tiers_and_unpublished_prices(run: Run) -> None:
    _, out, _ = run("show", "gpt-6.2-sol", "--json", "--at", "2026-11-22")
    sheet = json.loads(out)
    assert (sheet["entry"], sheet["source"], sheet["tiers"]) == ("openai/gpt-6.2-sol", "built-in:prices.toml", [])
    rates = {row["key"]: row["usd"] for row in sheet["rates"]}
    assert (rates["input_mtok"], rates["output_mtok"], rates["cache_read_mtok"]) == ("2", "10", None)
    _, out, _ = run("show", "gpt-5.2", "--tier", "flex", "--json", "--at", "2026-11-22")
    sheet = json.loads(out)
    assert {row["usd"] for row in sheet["rates"] if row["key"] == "input_mtok"} == {"0.875"}
    assert sheet["tiers"] == ["batch", "fast", "flex", "priority"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("gpt-99",), "model_unknown"),
        (("gpt-5.2", "--provider", "acme"), "provider_unknown"),
        (("gpt-5.2", "--tier", "ultrafast"), "tier_unpriced"),
        (("gpt-6.2-sol", "--at", "2026-01-01"), "before_first_price"),
    ],
)
def test_show_of_no_price_says_why_and_what_next(run: Run, arguments: tuple[str, ...], reason: str) -> None:
    code, out, err = run("show", *arguments)
    assert (code, out) == (1, "")
    assert reason in err
    assert "hint: " in err


def test_a_date_that_is_none_could_not_be_used(run: Run) -> None:
    code, _, err = run("show", "gpt-5.2", "--at", "soon")
    assert code == 2
    assert "'soon' is not a date" in err
    assert "hint: write --at 2026-11-22" in err


# check


def test_a_good_file_is_good(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    file.write_text(GOOD, encoding="utf-8")
    assert run("check", str(file)) == (0, f"{file}: 1 entries, all good\n", "")
    _, out, _ = run("check", str(file), "--json")
    assert json.loads(out) == {"file": str(file), "ok": True, "entries": 1, "problems": []}


def test_every_wrong_line_is_named_with_its_hint(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    file.write_text(GOOD.replace("0.5", "-0.5").replace('source = "contract"\n', ""), encoding="utf-8")
    code, out, err = run("check", str(file))
    assert (code, out) == (1, "")
    assert f"{file}:2: `source` is missing\nhint: add `source" in err
    assert f"{file}:6: `multiply` is negative (-0.5)\nhint: write 0 or more" in err
    code, out, _ = run("check", str(file), "--json")
    assert code == 1
    assert [problem["line"] for problem in json.loads(out)["problems"]] == [2, 6]


# missing


def test_missing_prints_a_stub_that_cannot_be_used_before_it_is_filled_in(run: Run, tmp_path: Path) -> None:
    seen = '"gpt-5.2"\n{"provider": "openai", "model": "gpt-\\"99", "input_tokens": 5, "output_tokens": 7}\n"veo-9"\n'
    code, out, err = run("missing", stdin=seen)
    assert code == 1
    assert "2 without a price" in err
    assert "seen 1 times, 5 input and 7 output tokens" in out
    assert 'models = ["gpt-\\"99"]' in out
    assert not any(character.isdigit() for line in out.splitlines() if "mtok" in line for character in line)
    stub = tmp_path / "stub.toml"
    stub.write_text(out, encoding="utf-8")
    assert run("check", str(stub))[0] == 1


def test_a_stub_filled_in_is_a_price_file_that_cures(run: Run, tmp_path: Path) -> None:
    _, out, _ = run("missing", stdin='[{"provider": "openai", "model": "gpt-99"}]')
    filled = out.replace("checked = ?", "checked = 2026-11-22").replace("?,", "1,").replace("? }", "2 }")
    file = tmp_path / "p.toml"
    file.write_text(filled, encoding="utf-8")
    code, out, err = run("missing", "--prices", str(file), stdin='[{"provider": "openai", "model": "gpt-99"}]')
    assert (code, out, err) == (0, "", "every model has a price\n")


def test_missing_reads_a_file_of_charges_and_believes_their_verdict(run: Run, tmp_path: Path) -> None:
    charge = {"provider": "openai", "request_model": "gpt-5.2", "response_model": "gpt-5.2-2025-12-11"}
    rows = [
        {**charge, "cost_status": "unpriced", "cost_reason": "tier_unpriced", "input_tokens": 10, "output_tokens": 1},
        {**charge, "cost_status": "unpriced", "cost_reason": "tier_unpriced", "input_tokens": 20, "output_tokens": 2},
        {**charge, "cost_status": "unpriced", "cost_reason": "usage_missing"},
        {**charge, "cost_status": "priced", "cost_reason": None},
    ]
    file = tmp_path / "charges.json"
    file.write_text(json.dumps({"charges": rows, "next": None}), encoding="utf-8")
    code, out, _ = run("missing", str(file), "--json")
    assert code == 1
    assert json.loads(out) == [
        {"provider": "openai", "model": "gpt-5.2-2025-12-11", "reason": "tier_unpriced", "calls": 2,
         "input_tokens": 30, "output_tokens": 3}
    ]  # fmt: skip


def test_missing_pages_through_a_running_servers_charges(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, str]] = []

    def serve(request: httpx.Request) -> httpx.Response:
        asked.append({**request.url.params, "key": request.headers["x-api-key"]})
        page = len(asked)
        row = {"provider": "openai", "request_model": f"gpt-9{page}", "cost_status": "unpriced",
               "cost_reason": "model_unknown"}  # fmt: skip
        return httpx.Response(200, json={"charges": [row], "next": "c2" if page == 1 else None})

    monkeypatch.setattr(httpx, "Client", functools.partial(httpx.Client, transport=httpx.MockTransport(serve)))
    code, out, _ = run("missing", "--url", "http://everytoken.invalid", "--project", "p", "--api-key", "k", "--json")
    assert code == 1
    assert [seen["model"] for seen in json.loads(out)] == ["gpt-91", "gpt-92"]
    assert asked == [
        {"project": "p", "limit": "500", "key": "k"},
        {"project": "p", "cursor": "c2", "limit": "500", "key": "k"},
    ]


def test_missing_without_a_project_asks_for_each(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def serve(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/projects"):
            return httpx.Response(200, json={"projects": [{"project": "a"}, {"project": "b"}]})
        row = {"provider": "openai", "request_model": f"gpt-9{request.url.params['project']}",
               "cost_status": "unpriced", "cost_reason": "model_unknown"}  # fmt: skip
        return httpx.Response(200, json={"charges": [row], "next": None})

    monkeypatch.setattr(httpx, "Client", functools.partial(httpx.Client, transport=httpx.MockTransport(serve)))
    code, out, _ = run("missing", "--url", "http://everytoken.invalid", "--json")
    assert code == 1
    assert [seen["model"] for seen in json.loads(out)] == ["gpt-9a", "gpt-9b"]


@pytest.mark.parametrize("body", [b"nonsense", b"[]", b"{}"])
def test_a_server_that_answers_nonsense_is_not_a_server_without_problems(
    run: Run, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=body))
    monkeypatch.setattr(httpx, "Client", functools.partial(httpx.Client, transport=transport))
    code, out, err = run("missing", "--url", "http://everytoken.invalid")
    assert (code, out) == (2, "")
    assert "hint: is `everytoken serve` running there" in err


def test_what_cannot_be_read_is_said_with_a_hint(run: Run, tmp_path: Path) -> None:
    code, _, err = run("missing", str(tmp_path / "nothing.json"))
    assert code == 2
    assert "hint: give a file of JSON" in err
    code, _, err = run("missing", stdin="gpt-5.2\n")
    assert code == 2
    assert "line 1 is not JSON" in err
