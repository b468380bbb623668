"""Each page's main task, in a real browser against a real server with runs sent by the real `langsmith` client."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.ui.browser import PHONE
from tests.ui.conftest import PROJECT, Site
from tests.ui.reference import ANSWER, QUESTION, REFERENCE, now, send


@pytest.fixture
def trace_url(site: Site, trace_id: str) -> str:
    return f"{site.url}/projects/{PROJECT}/traces/{trace_id}"


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_text(name, exact=True)).first


def test_the_first_visit_says_how_to_connect_and_turns_live_with_the_first_run(
    anywhere: Page, start: Callable[[], Site]
) -> None:
    page, empty = anywhere, start()
    page.goto(empty.url)
    expect(page.get_by_role("heading", name="No runs yet")).to_be_visible()
    expect(page.locator("pre").first).to_contain_text(f"LANGSMITH_ENDPOINT={empty.url}")
    send(empty.client, PROJECT, REFERENCE, began=now())
    expect(page.get_by_text("The first run arrived")).to_be_visible(timeout=15_000)
    page.get_by_role("link", name=f"Open {PROJECT}").click()
    expect(page.get_by_text(QUESTION)).to_be_visible()


def test_a_project_that_was_quiet_for_a_while_is_no_first_visit(anywhere: Page, start: Callable[[], Site]) -> None:
    page, site = anywhere, start()
    send(site.client, PROJECT, REFERENCE, began=now() - timedelta(days=40))
    site.settle()
    page.goto(site.url)
    expect(row(page, PROJECT)).to_be_visible()
    expect(page.get_by_role("heading", name="No runs yet")).to_be_hidden()


def test_the_project_list_shows_tokens_and_cost_with_their_quality(page: Page, site: Site, trace_id: str) -> None:
    page.goto(site.url)
    project = row(page, PROJECT)
    expect(project).to_contain_text("100 % exact")
    expect(project).to_contain_text("1.82 s")
    project.get_by_role("link", name=PROJECT).click()
    expect(page).to_have_url(f"{site.url}/projects/{PROJECT}/overview")


def test_a_trace_in_the_list_carries_its_tokens_money_and_question(page: Page, site: Site, trace_id: str) -> None:
    page.goto(f"{site.url}/projects/{PROJECT}/traces")
    trace = row(page, "chat-job_abc123")
    for text in (QUESTION, "1,261", "$0.0113", "1.82 s", "gpt-5.2", "chat-worker", "user-7"):
        expect(trace).to_contain_text(text)


def test_the_trace_page_shows_the_reference_to_the_token_and_the_digit(page: Page, trace_url: str) -> None:
    page.goto(trace_url)
    head = page.locator(".trace-head")
    for text in ("chat-job_abc123", "1.82 s", "1,261", "520 in · 741 out", "$0.011284", "100 % exact", "saved 0.60 s"):
        expect(head).to_contain_text(text)
    for name, tokens, usd, share in (
        ("intent", "47 0 12 0", "$0.0003", "2.2 %"),
        ("location", "128 0 128 0", "$0.0020", "18 %"),
        ("web_search", "89 0 512 0", "$0.0073", "65 %"),
        ("answer", "256 0 89 0", "$0.0017", "15 %"),
    ):
        line = row(page, name)
        expect(line).to_be_visible()
        assert line.locator(".wf-tokens").inner_text().split() == tokens.split()
        expect(line).to_contain_text(usd)
        expect(line).to_contain_text(share)


def test_parallel_branches_are_marked_and_the_critical_path_underlined(page: Page, trace_url: str) -> None:
    page.goto(trace_url)
    for name, parallel, critical in (("location", True, False), ("web_search", True, True), ("answer", False, True)):
        line = row(page, name)
        expect(line).to_be_visible()
        assert (line.get_by_text("∥").count() == 1) is parallel
        assert ("critical" in (line.get_attribute("class") or "")) is critical


def test_a_run_explains_its_cost_and_shows_its_messages(page: Page, trace_url: str) -> None:
    page.goto(trace_url)
    row(page, "intent").click()
    page.keyboard.press("j")
    detail = page.get_by_role("region", name="Run detail")
    expect(detail.get_by_role("heading", name="ChatOpenAI")).to_be_visible()
    terms = [" ".join(text.split()) for text in detail.locator(".arithmetic tr").all_inner_texts()]
    assert terms == [
        "47 input × $1.75 / M = $0.00008225",
        "12 output × $14.00 / M = $0.000168",
        "total $0.00025025",
    ]
    expect(detail).to_contain_text("openai/gpt-5.2")
    expect(detail).to_contain_text('"input_tokens": 47')
    expect(detail.locator(".chat")).to_contain_text(QUESTION)
    expect(detail.locator(".chat")).to_contain_text(ANSWER)


def test_the_cost_of_the_trace_explains_itself_over_all_its_calls(page: Page, trace_url: str) -> None:
    page.goto(trace_url)
    page.locator(".trace-facts").get_by_role("button", name="$0.011284").click()
    shown = page.get_by_role("dialog")
    for text in ("4 billed requests", "520", "741", "$0.00091", "$0.010374", "$0.011284"):
        expect(shown).to_contain_text(text)
    page.keyboard.press("Escape")
    expect(shown).to_be_hidden()


def test_keys_walk_close_and_open_branches_and_the_address_keeps_it(page: Page, trace_url: str) -> None:
    page.goto(trace_url)
    expect(row(page, "intent")).to_be_visible()
    for key in ("j", "j", "h"):
        page.keyboard.press(key)
    expect(row(page, "intent")).to_have_attribute("aria-expanded", "false")
    expect(row(page, "intent")).to_have_attribute("aria-selected", "true")
    expect(row(page, "intent")).to_contain_text("1 run hidden")
    page.reload()
    expect(row(page, "intent")).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("]")
    expect(row(page, "intent")).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("heading", name="ChatOpenAI")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("region", name="Run detail")).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("n")
    expect(page).to_have_url(re.compile(r"/projects/eco2-chat/nodes$"))


def test_the_node_tables_agree_with_the_trace(page: Page, site: Site, trace_url: str) -> None:
    for url in (f"{trace_url}?view=nodes", f"{site.url}/projects/{PROJECT}/nodes"):
        page.goto(url)
        expect(row(page, "web_search")).to_contain_text("65 %")
        expect(row(page, "router")).to_contain_text("no LLM")


def test_the_trace_list_fills_and_a_running_trace_grows_live(anywhere: Page, start: Callable[[], Site]) -> None:
    page, site = anywhere, start()
    send(site.client, PROJECT, REFERENCE, began=now())
    site.settle()
    page.goto(f"{site.url}/projects/{PROJECT}/traces")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    expect(page.get_by_role("table", name="Traces").get_by_text("1 trace", exact=True)).to_be_visible()
    running = send(site.client, PROJECT, REFERENCE, began=now(), finish=False)
    expect(page.get_by_text("Running")).to_be_visible(timeout=15_000)
    page.goto(f"{site.url}/projects/{PROJECT}/traces/{running}")
    expect(page.locator(".trace-head")).to_contain_text("916")
    expect(page.locator(".bar.running").first).to_be_visible()


def test_korean_and_dark_are_chosen_and_kept(page: Page, trace_url: str) -> None:
    page.goto(trace_url)
    page.get_by_role("button", name="Language").click()
    page.get_by_role("menuitemradio", name="한국어").click()
    expect(page.get_by_text("병렬 실행으로 0.60 s 단축")).to_be_visible()
    page.get_by_role("button", name="테마").click()
    page.get_by_role("menuitemradio", name="어둡게").click()
    page.reload()
    expect(page.get_by_text("병렬 실행으로 0.60 s 단축")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "ko"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(13, 17, 17)"


def test_the_help_lists_the_keys_that_are_bound(page: Page, site: Site, trace_id: str) -> None:
    page.goto(site.url)
    expect(row(page, PROJECT)).to_be_visible()
    page.keyboard.press("?")
    shown = page.get_by_role("dialog", name="Keys")
    expect(shown).to_contain_text("Go to nodes")
    page.keyboard.press("Escape")
    expect(shown).to_be_hidden()


def test_no_page_is_wider_than_a_phone(page: Page, site: Site, trace_url: str) -> None:
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    project = f"{site.url}/projects/{PROJECT}"
    pages = ("overview", "traces", "nodes", "models", "users", "threads", "coverage")
    for url in (site.url, *(f"{project}/{page}" for page in pages), trace_url):
        page.goto(url)
        expect(page.get_by_role("row").nth(1)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0], url


def test_a_trace_that_is_not_there_says_so(anywhere: Page, site: Site) -> None:
    anywhere.goto(f"{site.url}/projects/{PROJECT}/traces/00000000-0000-4000-8000-000000000000")
    expect(anywhere.get_by_role("heading", name="There is no such trace")).to_be_visible()


def test_a_server_that_does_not_answer_is_said_and_asked_again(anywhere: Page, site: Site, trace_id: str) -> None:
    anywhere.route("**/everytoken/v1/**", lambda route: route.abort())
    anywhere.goto(site.url)
    expect(anywhere.get_by_role("alert")).to_contain_text("The server does not answer", timeout=10_000)
    anywhere.unroute_all()
    anywhere.get_by_role("button", name="Try again").click()
    expect(row(anywhere, PROJECT)).to_be_visible()


def test_a_range_without_traces_offers_all_time(page: Page, site: Site) -> None:
    send(site.client, "last-month", REFERENCE, began=now() - timedelta(days=20))
    site.settle()
    page.goto(f"{site.url}/projects/last-month/traces")
    expect(page.get_by_role("heading", name="No traces in this range")).to_be_visible()
    page.get_by_role("button", name="Show all time").click()
    expect(row(page, "chat-job_abc123")).to_be_visible()
    expect(page).to_have_url(re.compile(r"range=all$"))


def test_hostile_text_stays_text(page: Page, site: Site) -> None:
    attack = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>\u202etxt'
    sent = send(site.client, "hostile", REFERENCE, began=now(), error=attack)
    site.settle()
    page.goto(f"{site.url}/projects/hostile/traces/{sent}?run={sent}")
    expect(page.locator(".error-text")).to_contain_text("<script>")
    assert page.title() == "everytoken"
