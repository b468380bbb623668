"""Prices over HTTP: overrides, missing prices, and pricing stored charges again."""

import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from tests.store import samples
from tests.store.serving import Server, serving
from tests.store.test_metrics import llm_run

from everytoken.query.window import Window
from everytoken.server.prices import Pages

PRICE = """[[price]]
provider = "openai"
models = ["gpt-imagined"]
rates = { input_mtok = 1, cache_read_mtok = 0.5, output_mtok = 2 }
source = "https://example.com/prices"
checked = 2026-11-01
"""


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("prices")) as running:
        running.http.post("/runs/batch", json={"post": [llm_run("gpt-imagined"), llm_run("gpt-imagined"), llm_run()]})
        running.flush()
        yield running


def reprice(server: Server, **body: object) -> dict[str, object]:
    answer = server.http.post("/everytoken/v1/reprice", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


def test_an_override_prices_what_is_stored_once_it_is_applied(server: Server) -> None:
    (missing,) = server.get("/prices/missing", project="shop")["missing"]
    assert (missing["model"], missing["reason"], missing["calls"]) == ("gpt-imagined", "model_unknown", 2)

    put = server.http.put("/everytoken/v1/prices/overrides/imagined", json={"toml": PRICE})
    assert put.status_code == 200, put.text
    dry = reprice(server, project="shop")
    # 60 input at 1, 40 cached at 0.5, 20 output at 2 dollars a million: 0.00012, twice.
    assert dry["rows"] == [
        {
            "day": "2026-11-22", "provider": "openai", "model": "gpt-imagined", "charges": 2, "changed": 2,
            "before_usd": "0", "after_usd": "0.00024", "newly_priced": 2, "newly_unpriced": 0,
        }
    ]  # fmt: skip
    assert (dry["applied"], dry["charges"], dry["before_usd"], dry["after_usd"]) == (False, 3, "0.000392", "0.000632")
    assert server.get("/projects/shop/summary")["unpriced_calls"] == 2

    done = reprice(server, apply=True)
    assert (done["applied"], done["changed"], done["next"]) == (True, 2, None)
    assert server.get("/projects/shop/summary")["cost_usd"] == "0.000632"
    assert server.get("/prices/missing")["missing"] == []
    again = reprice(server, apply=True)
    assert (again["changed"], again["rows"], again["before_usd"]) == (0, [], "0.000632")

    (entry,) = server.get("/audit", action="price.reprice")["entries"]
    assert (entry["before"]["usd"], entry["after"]["usd"], entry["after"]["changed"]) == ("0.000392", "0.000632", 2)
    source = server.get("/explain", project="shop", by="model", key="gpt-imagined")["rows"][0]["price_source"]
    assert source.startswith("override:")


def test_an_override_prices_new_calls_and_is_gone_when_it_is_deleted(server: Server) -> None:
    server.http.put("/everytoken/v1/prices/overrides/imagined", json={"toml": PRICE})
    assert server.get("/prices", q="imagined")["prices"][0]["checked"] == "2026-11-01"
    server.http.post("/runs/batch", json={"post": [llm_run("gpt-imagined")]})
    server.flush()
    assert server.get("/projects/shop/summary")["unpriced_calls"] == 2

    gone = server.http.delete("/everytoken/v1/prices/overrides/imagined")
    assert gone.json()["name"] == "imagined"
    assert server.get("/prices/overrides")["overrides"] == []
    assert reprice(server)["newly_unpriced"] == 1
    assert server.http.delete("/everytoken/v1/prices/overrides/imagined").status_code == 404


def test_a_wrong_override_names_the_line_and_changes_nothing(server: Server) -> None:
    answer = server.http.put("/everytoken/v1/prices/overrides/bad", json={"toml": PRICE.replace("rates", "rate")})
    assert answer.status_code == 422
    assert answer.json()["field"] == "body.toml"
    assert "bad:1" in answer.json()["error"]
    assert server.get("/prices/overrides")["overrides"] == []
    assert server.http.put("/everytoken/v1/prices/overrides/a%20b", json={"toml": PRICE}).status_code == 400


def test_the_rates_of_a_model_are_shown(server: Server) -> None:
    shown = server.get("/prices/show", model="gpt-5.2", provider="openai", at="2026-11-22")

    assert {rate["key"]: rate["usd"] for rate in shown["rates"]}["input_mtok"] == "1.75"
    assert server.get("/prices/show", model="gpt-imagined")["reason"] == "model_unknown"


@pytest.mark.alone  # judges time: a file is looked at every five seconds anyway
def test_a_price_file_is_taken_up_on_sighup(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text("version = 1\n")
    with serving(tmp_path / "data", EVERYTOKEN_PRICES=str(file)) as server:
        send_one(server)
        assert server.get("/projects/shop/summary")["cost_usd"] is None
        file.write_text(f"version = 1\n{PRICE}")
        server.process.send_signal(signal.SIGHUP)
        until_priced(server)
        # a file that is wrong leaves the prices as they were
        file.write_text("version = 1\n[[price]]\n")
        server.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        before = statuses(server)
        send_one(server)
        assert statuses(server) - before == Counter(priced=1)
        assert server.process.poll() is None


def send_one(server: Server) -> None:
    server.http.post("/runs/batch", json={"post": [llm_run("gpt-imagined")]})
    server.flush()


def statuses(server: Server) -> Counter[str]:
    return Counter(charge["cost_status"] for charge in server.get("/charges", project="shop", limit=500)["charges"])


def until_priced(server: Server) -> None:
    """Well before the five seconds after which files are looked at anyway."""
    deadline = time.monotonic() + 4
    while time.monotonic() < deadline:
        send_one(server)
        if statuses(server)["priced"]:
            return
    raise AssertionError("the file was not taken up")


@pytest.mark.parametrize("engine", ["embedded", "http"], indirect=True)
def test_a_charge_settled_while_it_is_priced_again_stays_as_it_was_settled(tmp_path: Path, engine: None) -> None:
    with samples.opened(tmp_path) as ledger:
        ledger.write([], [samples.charge("kept", tokens=(1, 1)), samples.charge("moved", tokens=(1, 1))], [])
        pages = Pages(ledger, "shop", Window())
        charges, _ = pages.read(None)
        # settlement hears of more tokens between the read and the write
        ledger.write([], [samples.charge("moved", "7", tokens=(900, 90))], [])

        pages.store([replace(charge, cost=replace(charge.cost, usd=Decimal(5))) for charge in charges])

        stored = {charge.charge_key: charge for charge in ledger.read_charges(samples.anywhere())}
        assert stored["kept"].cost.usd == 5
        assert stored["moved"].cost.usd == 7
        assert stored["moved"].usage is not None
        assert stored["moved"].usage.input_tokens == 900
