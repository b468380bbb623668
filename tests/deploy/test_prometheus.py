"""deploy/prometheus and deploy/grafana: every expression parses, and asks only for what the worker really writes."""

import json
import re
from pathlib import Path
from typing import Any

import promql_parser
import pytest
from prometheus_client.metrics import MetricWrapperBase
from tests.deploy.kustomize import load

from eco2.metrics import Metrics

DEPLOY = Path(__file__).parents[2] / "deploy"
(RULES,) = load(DEPLOY / "prometheus/chat-worker.rules.yaml")
DASHBOARD = json.loads((DEPLOY / "grafana/chat-worker.json").read_text())
RULE_LIST: list[dict[str, Any]] = [rule for group in RULES["groups"] for rule in group["rules"]]
PANELS: list[dict[str, Any]] = [target for panel in DASHBOARD["panels"] for target in panel["targets"]]
EXPRESSIONS = [rule["expr"] for rule in RULE_LIST] + [target["expr"] for target in PANELS]
RECORDED = {rule["record"] for rule in RULE_LIST if "record" in rule}


def written() -> dict[str, set[str]]:
    """Name of every series the worker writes → its labels, those of the scrape included."""
    scraped = {"job", "instance", "namespace"}
    series: dict[str, set[str]] = {"up": scraped}
    for metric in vars(Metrics("openai")).values():
        if not isinstance(metric, MetricWrapperBase):
            continue
        labels = {*metric._labelnames, *scraped}
        suffixes = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}[str(metric._type)]
        for suffix in suffixes:
            series[metric._name + suffix] = labels | ({"le"} if suffix == "_bucket" else set())
    return series


SERIES = written()


def selectors(expression: Any) -> list[Any]:
    """Every vector selector of a parsed expression."""
    found: list[Any] = []
    stack = [expression]
    while stack:
        node = stack.pop()
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        for name in ("lhs", "rhs", "expr", "vector_selector", "args", "param"):
            child = getattr(node, name, None)
            stack += child if isinstance(child, list) else [child] if child is not None else []
    return found


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_asks_for_series_that_are_written(expression: str) -> None:
    asked = selectors(promql_parser.parse(expression))
    assert asked
    for selector in asked:
        assert selector.name in SERIES.keys() | RECORDED, selector.name
        for matcher in selector.matchers.matchers:
            assert matcher.name in SERIES[selector.name], matcher.name


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_groups_by_labels_that_exist(expression: str) -> None:
    grouped = {label.strip() for group in re.findall(r"by \(([^)]*)\)", expression) for label in group.split(",")}
    known = {
        label for selector in selectors(promql_parser.parse(expression)) for label in SERIES.get(selector.name, ())
    }
    assert grouped <= known


@pytest.mark.parametrize("rule", [rule for rule in RULE_LIST if "alert" in rule], ids=lambda rule: rule["alert"])
def test_an_alert_says_what_happens_and_how_urgent_it_is(rule: dict[str, Any]) -> None:
    assert rule["annotations"]["summary"].endswith(".")
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert re.fullmatch(r"\d+m", rule["for"])


def test_the_guard_would_see_a_metric_that_nobody_writes() -> None:
    (selector,) = selectors(promql_parser.parse("rate(chat_imagined_total[5m])"))
    assert selector.name not in SERIES
    assert SERIES["chat_llm_usage_missing_total"] == {"path", "job", "instance", "namespace"}


def test_the_scrape_configuration_reads_the_rules_and_the_worker_s_port() -> None:
    (config,) = load(DEPLOY / "prometheus/prometheus.yaml")
    assert all((DEPLOY / "prometheus" / name).is_file() for name in config["rule_files"])
    targets = {job["job_name"]: job["static_configs"] for job in config["scrape_configs"]}
    assert targets == {
        "everytoken": [{"targets": ["127.0.0.1:8700"]}],
        "chat-worker": [{"targets": ["127.0.0.1:8710"]}],
    }


def test_the_panels_have_places_and_a_data_source_to_choose() -> None:
    assert DASHBOARD["templating"]["list"][0]["type"] == "datasource"
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"]) == 14
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in DASHBOARD["panels"]}
    assert len(places) == 14
