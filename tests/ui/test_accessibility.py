"""axe-core finds nothing serious on any page, in either theme."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.ui.conftest import PROJECT, Site

AXE = Path(__file__).parents[2] / "ui/node_modules/axe-core/axe.min.js"
SERIOUS = {"serious", "critical"}


def findings(page: Page) -> list[str]:
    page.evaluate(AXE.read_text())
    report: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{found['id']}: {node['target']} {node['failureSummary'].splitlines()[-1].strip()}"
        for found in report["violations"]
        if found["impact"] in SERIOUS
        for node in found["nodes"]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/projects/{project}/overview",
        "/projects/{project}/traces",
        "/projects/{project}/nodes",
        "/projects/{project}/models",
        "/projects/{project}/users",
        "/projects/{project}/threads",
        "/projects/{project}/coverage",
        "/projects/{project}/traces?strip=cost&filter=and(eq(status,%22success%22),gt(latency,1))",
        "/projects/{project}/prices?tab=entries&q=gpt-5&model=gpt-5.2&provider=openai",
        "{trace}",
        "{trace}?view=nodes",
    ],
)
def test_a_page_has_no_serious_finding(page: Page, site: Site, trace_id: str, theme: str, address: str) -> None:
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    trace = f"/projects/{PROJECT}/traces/{trace_id}"
    page.goto(site.url + address.format(project=PROJECT, trace=trace))
    expect(page.get_by_role("row").nth(1)).to_be_visible()
    assert findings(page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("address", ["prices?tab=reprice", "settings", "settings?tab=masking", "settings?tab=keys"])
def test_a_form_has_no_serious_finding(page: Page, site: Site, trace_id: str, theme: str, address: str) -> None:
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    page.goto(f"{site.url}/projects/{PROJECT}/{address}")
    expect(page.locator(".padded .button").first).to_be_visible()
    assert findings(page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("address", ["traces?q=%ED%8E%98%ED%8A%B8%EB%B3%91", "traces?q=nobody-wrote-this"])
def test_a_search_has_no_serious_finding(page: Page, site: Site, trace_id: str, theme: str, address: str) -> None:
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    page.goto(f"{site.url}/projects/{PROJECT}/{address}")
    expect(page.locator(".hits mark, .state").first).to_be_visible()
    assert findings(page) == []


def test_an_explanation_has_no_serious_finding(page: Page, site: Site, trace_id: str) -> None:
    page.goto(f"{site.url}/projects/{PROJECT}/traces")
    page.get_by_title("Explain this number").first.click()
    expect(page.get_by_role("dialog").locator("tfoot")).to_be_visible()
    assert findings(page) == []


def test_menus_of_the_list_have_no_serious_finding(page: Page, site: Site, trace_id: str) -> None:
    page.goto(f"{site.url}/projects/{PROJECT}/traces")
    for name in ("Columns, order and density", "Views"):
        page.get_by_role("button", name=name).click()
        expect(page.locator(".popover")).to_be_visible()
        assert findings(page) == []
        page.keyboard.press("Escape")
    page.get_by_role("combobox", name="Filter").click()
    expect(page.get_by_role("option").first).to_be_visible()
    assert findings(page) == []


def test_run_detail_and_help_have_no_serious_finding(page: Page, site: Site, trace_id: str) -> None:
    page.goto(f"{site.url}/projects/{PROJECT}/traces/{trace_id}?run={trace_id}")
    expect(page.get_by_role("region", name="Run detail").locator(".arithmetic")).to_be_visible()
    assert findings(page) == []
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    assert findings(page) == []
