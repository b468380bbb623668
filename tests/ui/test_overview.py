"""Overview, models, users, threads and coverage in a real browser; the sums follow from the traces that were sent."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.ui.conftest import Site
from tests.ui.reference import QUESTION, REFERENCE, Step, llm, node, now, send

PROJECT = "shop"
LOST = "the-model-nobody-prices"


def one_call(tokens: tuple[int, int], **call: object) -> Step:
    """A trace of one node `answer` with one streamed call."""
    step = replace(llm(2, 900, tokens, 300), **call)  # type: ignore[arg-type] # the caller names the fields of a step
    return Step(name="shop-turn", start_ms=0, end_ms=1000, children=(node("answer", 0, 950, step),))


@pytest.fixture(scope="module")
def shop(site: Site) -> Site:
    """Now: two reference traces, one call without usage, one without a price. Thirty hours ago: one reference trace."""
    began = now()
    send(site.client, PROJECT, REFERENCE, began=began - timedelta(hours=30), user="kim", thread="t1")
    send(site.client, PROJECT, REFERENCE, began=began - timedelta(hours=2), user="kim", thread="t1")
    send(site.client, PROJECT, REFERENCE, began=began - timedelta(hours=1), user="lee", thread="t2")
    silent = one_call((10, 10), reports=False)
    send(site.client, PROJECT, silent, began=began - timedelta(minutes=30), user="lee", thread="t2")
    unpriced = one_call((1000, 100), model=LOST)
    send(site.client, PROJECT, unpriced, began=began - timedelta(minutes=20), user="lee", thread="t2")
    site.settle()
    return site


@pytest.fixture
def at(page: Page, shop: Site) -> "Visit":
    return Visit(page, f"{shop.url}/projects/{PROJECT}")


class Visit:
    """A page of the project."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url

    def open(self, path: str) -> Page:
        self.page.goto(f"{self.url}/{path}")
        return self.page

    def panel(self, title: str) -> Locator:
        return self.page.get_by_role("region", name=title)


def row(place: Page | Locator, name: str) -> Locator:
    page = place if isinstance(place, Page) else place.page
    return place.get_by_role("row").filter(has=page.get_by_text(name, exact=True)).first


def test_the_figures_are_compared_with_the_period_before(at: Visit) -> None:
    page = at.open("overview")
    strip = page.locator(".summary")
    # Two reference traces of $0.011284 now, one before: twice the known cost.
    expect(strip).to_contain_text("$0.023")
    expect(strip).to_contain_text("▲ 100 %")
    expect(strip).to_contain_text("2 unpriced")
    # 4 + 4 + 1 exact of 10 calls.
    expect(strip).to_contain_text("90 % exact")
    expect(strip).to_contain_text("⚠ 1 path without usage")


def test_the_cost_over_time_is_split_as_chosen_and_the_address_keeps_it(at: Visit) -> None:
    page = at.open("overview")
    over = at.panel("Cost over time")
    # 1,040 input tokens at $1.75 and 1,482 output tokens at $14 a million.
    expect(over.get_by_role("listitem").filter(has_text="input").first).to_contain_text("$0.0018")
    expect(over.get_by_role("listitem").filter(has_text="output")).to_contain_text("$0.021")
    expect(over.locator("canvas")).to_be_visible()
    over.get_by_role("button", name="Node").click()
    expect(page).to_have_url(re.compile("by=node"))
    expect(over.get_by_role("listitem").filter(has_text="web_search")).to_contain_text("65 %")
    over.get_by_role("button", name="Tokens").click()
    over = at.panel("Tokens over time")
    # 2 × 345 of the reference's `answer` and 1,100 of the unpriced call.
    expect(over.get_by_role("listitem").filter(has_text="answer")).to_contain_text("1,790")
    page.reload()
    expect(over.get_by_role("button", name="Node")).to_have_attribute("aria-pressed", "true")


def test_a_drag_across_the_chart_zooms_and_back_widens(at: Visit) -> None:
    page = at.open("overview")
    canvas = at.panel("Cost over time").locator("canvas")
    expect(canvas).to_be_visible()
    page.wait_for_timeout(300)
    box = canvas.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.6, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.8, y, steps=5)
    page.mouse.move(box["x"] + box["width"] * 0.95, y, steps=5)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"range=\d{13}-\d{13}"))
    page.go_back()
    expect(page).to_have_url(re.compile(r"/overview$"))


def test_what_changed_is_ranked_and_parted_into_volume_and_cost_per_call(at: Visit) -> None:
    page = at.open("overview?why=node")
    changed = at.panel("What changed")
    # One more reference trace: $0.011284, all of it volume.
    expect(changed).to_contain_text("+$0.011")
    expect(changed).to_contain_text("$0.00 from cost per call")
    names = changed.locator("tbody tr td:first-child")
    expect(names).to_have_text(["web_search", "location", "answer", "intent"])
    changed.get_by_role("button", name="User").click()
    expect(row(changed, "lee")).to_contain_text("+$0.0113")
    expect(page).to_have_url(re.compile("why=user"))


def test_the_dearest_trace_opens_at_its_dearest_run(at: Visit) -> None:
    page = at.open("overview")
    dearest = at.panel("Dearest traces")
    expect(dearest.get_by_role("row")).to_have_count(3)
    dearest.get_by_role("link").first.click()
    detail = page.get_by_role("region", name="Run detail")
    # web_search: 89 × $1.75 / M + 512 × $14 / M
    expect(detail).to_contain_text("$0.00732375")


def test_all_time_has_nothing_to_compare_with_and_says_so(at: Visit) -> None:
    at.open("overview?range=all")
    expect(at.panel("What changed")).to_contain_text("All time has no period before it")


def test_an_own_range_is_chosen_in_the_picker(at: Visit) -> None:
    page = at.open("overview")
    page.get_by_role("button", name="Time range").click()
    page.get_by_role("button", name="Last 15 min").click()
    expect(page).to_have_url(re.compile("range=15m"))
    expect(page.get_by_role("heading", name="No LLM calls in this range")).to_be_visible()
    page.get_by_role("button", name="Time range").click()
    page.get_by_label("From").fill("2020-01-01T00:00")
    page.get_by_label("To").fill("2020-01-02T00:00")
    page.get_by_role("button", name="Apply").click()
    # Midnight in Seoul.
    expect(page).to_have_url(re.compile("range=1577804400000-1577890800000"))
    page.get_by_role("button", name="Show all time").click()
    expect(page.locator(".summary")).to_contain_text("$0.034")


def test_models_users_and_threads_carry_their_sums(at: Visit) -> None:
    page = at.open("models")
    expect(row(page, "gpt-5.2")).to_contain_text("$0.0226")
    expect(row(page, LOST)).to_contain_text("unpriced")
    at.open("users")
    # The reference trace, the silent and the unpriced call: 6 calls in 3 traces of one thread.
    lee = row(page, "lee")
    expect(lee).to_contain_text("$0.0113")
    assert lee.get_by_role("cell").all_inner_texts()[1:4] == ["3", "1", "6"]
    at.open("threads")
    expect(row(page, "t1")).to_contain_text("$0.0113")
    assert row(page, "t1").get_by_role("cell").all_inner_texts()[1:4] == ["1", "1", "4"]


def test_a_thread_is_read_as_a_conversation_with_the_cost_of_each_turn(at: Visit) -> None:
    page = at.open("threads")
    row(page, "t1").get_by_role("link").click()
    turns = page.get_by_role("list", name="Turns").get_by_role("listitem")
    # Whenever the turns were: thirty hours ago, and two.
    expect(turns).to_have_count(2)
    expect(turns.first).to_contain_text(QUESTION)
    expect(turns.nth(1)).to_contain_text("$0.0113")
    expect(turns.nth(1)).to_contain_text("$0.0226")
    expect(page.locator(".thread-head")).to_contain_text("$0.022568")
    turns.first.get_by_role("link").click()
    expect(page.locator(".trace-head")).to_contain_text("$0.011284")


def test_coverage_says_why_a_number_is_missing_and_how_to_cure_it(at: Visit) -> None:
    page = at.open("coverage")
    expect(page.get_by_role("heading", level=2).first).to_have_text(
        "0 of 1 call path reports usage 1 does not: the cure stands below it"
    )
    path = row(page, "openai.chat.stream")
    expect(path).to_contain_text("8 exact · 1 missing · 1 unpriced")
    cure = page.locator(".cause-body.usage")
    expect(cure).to_contain_text("1 call. A Chat Completions stream carries usage only when it is asked for.")
    expect(cure.locator("pre")).to_contain_text('stream_options={"include_usage": True}')
    expect(page.locator(".cause-body.price")).to_contain_text(LOST)
    cure.get_by_role("link").click()
    expect(page).to_have_url(re.compile(r"/traces/[0-9a-f-]{36}"))


def test_keys_go_to_every_page(at: Visit) -> None:
    page = at.open("traces")
    expect(page.get_by_role("row").nth(1)).to_be_visible()
    for key, place in (("o", "overview"), ("m", "models"), ("u", "users"), ("h", "threads"), ("c", "coverage")):
        page.keyboard.press("g")
        page.keyboard.press(key)
        expect(page).to_have_url(f"{at.url}/{place}")


def test_one_panel_that_fails_leaves_the_others(anywhere: Page, shop: Site) -> None:
    anywhere.route("**/contributions*", lambda route: route.fulfill(status=400, json={"error": "no such window"}))
    anywhere.goto(f"{shop.url}/projects/{PROJECT}/overview")
    changed = anywhere.get_by_role("region", name="What changed")
    expect(changed.get_by_role("alert")).to_contain_text("no such window")
    expect(anywhere.get_by_role("region", name="Dearest traces").get_by_role("row")).to_have_count(3)
    anywhere.unroute_all()
    changed.get_by_role("button", name="Try again").click()
    expect(changed).to_contain_text("+$0.011")


def test_the_pages_speak_korean(at: Visit) -> None:
    page = at.open("coverage")
    page.evaluate("localStorage.setItem('everytoken.language', 'ko')")
    page.reload()
    expect(page.get_by_role("heading", level=2).first).to_contain_text("호출 경로 1개 중 0개가 사용량을 보고합니다")
    at.open("overview")
    expect(page.get_by_role("region", name="비용이 쓰이는 곳")).to_be_visible()


def test_the_cost_of_the_range_and_a_bucket_of_its_chart_explain_themselves(at: Visit) -> None:
    page = at.open("overview")
    page.locator(".stat").filter(has_text="Cost").get_by_title("Explain this number").click()
    shown = page.get_by_role("dialog")
    # Two reference traces: 1,040 input at $1.75/M and 1,482 output at $14/M. The other two calls have no price.
    for text in ("1,040", "× $1.75 / M", "$0.00182", "1,482", "× $14.00 / M", "$0.020748", "$0.022568", "no price"):
        expect(shown).to_contain_text(text)
    page.keyboard.press("Escape")
    page.locator(".chart canvas").first.click()
    bucket = page.get_by_role("region", name=re.compile("explained"))
    expect(bucket).to_be_visible()
    expect(page).to_have_url(re.compile(r"bucket=\d{13}"))
    bucket.get_by_role("button", name="Close the explanation").click()
    expect(bucket).to_be_hidden()


def test_a_chart_is_walked_through_and_explained_by_keyboard(at: Visit) -> None:
    page = at.open("overview")
    chart = at.panel("Cost over time").get_by_role("slider")
    chart.focus()
    page.keyboard.press("End")
    for _ in range(3):  # the reference trace of two hours ago is in one of the last hours
        if "output $0.010" in (chart.get_attribute("aria-valuetext") or ""):
            break
        page.keyboard.press("ArrowLeft")
    # 741 output tokens at $14 a million; 520 input tokens at $1.75.
    expect(chart).to_have_attribute("aria-valuetext", re.compile(r"output \$0\.010"))
    page.keyboard.press("Enter")
    bucket = page.get_by_role("region", name=re.compile("explained"))
    expect(bucket).to_contain_text("$0.010374")
    # Calls without a price that fall into the same hour have tokens, and no line here.
    expect(bucket.get_by_role("row").filter(has_text="$0.00091")).to_contain_text("520")


def test_every_figure_of_a_table_and_of_the_dearest_traces_explains_itself(at: Visit) -> None:
    page = at.open("models")
    figures = row(page, "gpt-5.2").get_by_title("Explain this number")
    expect(figures).to_have_count(2)  # tokens, and cost
    figures.first.click()
    expect(page.get_by_role("dialog")).to_contain_text("1,040 input + 1,482 output = 2,522 tokens")
    at.open("overview")
    dearest = at.panel("Dearest traces").get_by_role("row").nth(1)
    dearest.get_by_role("button", name="1,261").click()
    expect(page.get_by_role("dialog")).to_contain_text("$0.011284")
    at.open("threads/t1")
    page.locator(".thread-head").get_by_title("Explain this number").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("8 billed requests")


def test_a_problem_is_told_in_korean_with_the_id_of_the_request(anywhere: Page, shop: Site) -> None:
    page = anywhere
    page.add_init_script("localStorage.setItem('everytoken.language', 'ko')")
    page.goto(f"{shop.url}/projects/nobody-has-this/coverage")
    told = page.get_by_role("alert")
    expect(told).to_contain_text("프로젝트가 없거나 볼 권한이 없습니다.")
    expect(told).to_contain_text("no project 'nobody-has-this'")
    expect(told).to_contain_text(re.compile("요청 ID [0-9a-f]{16}"))
    expect(told.get_by_role("button", name="다시 시도")).to_be_visible()
    page.evaluate("localStorage.clear()")
