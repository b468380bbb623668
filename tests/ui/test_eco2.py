"""The Eco² page: a chat with the agent, its graph lighting up with tokens and dollars, the trace one click away."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from tests.ui.attached import PROJECT, attached
from tests.ui.browser import watch
from tests.ui.conftest import Site
from tests.ui.test_accessibility import findings

from eco2.paths import PIXEL

QUESTION = "강남역 근처 페트병 분리수거함 어디있어?"
ANSWER_MS = 30_000  # a turn takes two seconds; a loaded machine gets more


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with attached(tmp_path_factory.mktemp("agent"), latency="x0.2") as url:
        yield url


@pytest.fixture
def chat(anywhere: Page, url: str) -> Iterator[Page]:
    """The page, open. Afterwards: nothing failed in it, and it asked nobody else."""
    troubles = watch(anywhere, url)
    anywhere.goto(f"{url}/eco2")
    expect(anywhere.locator("[data-node=intent]")).to_be_visible()
    yield anywhere
    anywhere.evaluate("localStorage.clear()")
    assert troubles == []


def say(chat: Page, message: str) -> None:
    chat.get_by_role("textbox", name="Message").fill(message)
    chat.keyboard.press("Enter")


def answered(chat: Page, turns: int = 1) -> None:
    expect(chat.locator(".eco2-facts")).to_have_count(turns, timeout=ANSWER_MS)


def test_before_the_first_question_the_whole_graph_is_grey(chat: Page) -> None:
    expect(chat.locator("[data-node]")).to_have_count(17)
    expect(chat.locator("[data-node].taken")).to_have_count(0)
    expect(chat.get_by_text("Nothing has run yet in this conversation")).to_be_visible()


def test_a_question_lights_the_graph_with_tokens_and_dollars(chat: Page) -> None:
    chat.get_by_role("button", name=QUESTION).click()
    expect(chat.locator("[data-node=intent].taken")).to_be_visible()
    answered(chat)
    log = chat.get_by_role("log", name="")
    expect(log).to_contain_text("강남역에서 가장 가까운 곳은")
    expect(log).to_contain_text("1,261")
    expect(log).to_contain_text("$0.011284")
    graph = chat.get_by_role("region", name="The graph of the last turn").first
    expect(graph).to_contain_text("100 % exact", timeout=ANSWER_MS)
    for node, tokens, dollars in (("web_search", "601", "$0.007324"), ("location", "256", "$0.002016")):
        box = chat.locator(f"[data-node={node}].taken")
        expect(box).to_contain_text(tokens)
        expect(box).to_contain_text(dollars)
    taken = chat.locator("[data-node].taken").evaluate_all("nodes => nodes.map((node) => node.dataset.node).sort()")
    assert taken == ["aggregator", "answer", "intent", "location", "router", "summarize", "web_search"]


def test_the_trace_is_one_click_away(chat: Page) -> None:
    say(chat, "안녕")
    answered(chat)
    chat.get_by_role("link", name="Open the trace").click()
    expect(chat).to_have_url(re.compile(f"/projects/{PROJECT}/traces/"))
    expect(chat.get_by_role("heading", level=1)).to_contain_text("chat-job_")
    chat.go_back()
    expect(chat.locator("[data-node=answer].taken")).to_be_visible()  # the trace is in the address


def test_a_missing_place_is_asked_for_and_answered(chat: Page) -> None:
    say(chat, "가까운 제로웨이스트 가게 어디 있어?")
    place = chat.get_by_role("textbox", name="어느 곳에서 찾을까요?")
    expect(place).to_be_focused(timeout=ANSWER_MS)
    place.fill("서울역")
    chat.get_by_role("button", name="Answer", exact=True).click()
    answered(chat)
    expect(chat.locator("[data-node=location].taken")).to_be_visible(timeout=ANSWER_MS)


def test_a_picture_is_sent_shown_and_looked_at(chat: Page) -> None:
    picture = {"name": "bottle.png", "mimeType": "image/png", "buffer": PIXEL.content}
    chat.get_by_label("Add a picture").first.set_input_files(picture)  # type: ignore[arg-type]  # a payload's type is private
    expect(chat.get_by_text("Picture: bottle.png")).to_be_visible()
    say(chat, "이거 어떻게 버려?")
    shown = chat.get_by_role("img", name="The picture that was sent")
    expect(shown).to_be_visible()
    answered(chat)
    assert shown.evaluate("image => image.complete && image.naturalWidth") == 1
    expect(chat.locator("[data-node=vision].taken")).to_be_visible(timeout=ANSWER_MS)


def test_what_is_no_picture_is_refused_on_the_page(chat: Page) -> None:
    page = {"name": "page.html", "mimeType": "text/html", "buffer": b"<h1>no</h1>"}
    chat.get_by_label("Add a picture").first.set_input_files(page)  # type: ignore[arg-type]  # as above
    expect(chat.get_by_role("alert")).to_contain_text("PNG, JPEG, WebP or GIF")


def test_two_turns_are_one_conversation_with_its_costs(chat: Page) -> None:
    say(chat, "유리병 어떻게 버려?")
    answered(chat)
    say(chat, "그럼 뚜껑은?")
    answered(chat, turns=2)
    chat.get_by_role("link", name="Cost per turn").click()
    expect(chat.get_by_text("그럼 뚜껑은?").first).to_be_visible(timeout=ANSWER_MS)


def test_an_answer_is_text_and_nothing_else(chat: Page) -> None:
    say(chat, "<img src=x onerror=alert(1)> 안녕")
    answered(chat)
    expect(chat.get_by_text("<img src=x onerror=alert(1)> 안녕")).to_be_visible()
    assert chat.locator(".eco2-turns img").count() == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_page_has_no_serious_finding(chat: Page, theme: str, language: str) -> None:
    chat.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    chat.evaluate(f"localStorage.setItem('everytoken.language', '{language}')")
    chat.reload()
    expect(chat.locator("[data-node=intent]")).to_be_visible()
    assert findings(chat) == []


def test_after_a_turn_the_page_has_no_serious_finding(chat: Page) -> None:
    say(chat, "안녕")
    answered(chat)
    assert findings(chat) == []


def test_without_an_agent_there_is_no_way_to_the_page(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/")
    expect(page.get_by_role("link", name="Eco² agent")).to_have_count(0)
    page.goto(f"{site.url}/eco2")
    expect(page.get_by_role("heading", name="No agent is attached")).to_be_visible()


def test_with_an_agent_every_page_leads_to_it(anywhere: Page, url: str) -> None:
    anywhere.goto(f"{url}/projects/{PROJECT}/traces")
    anywhere.get_by_role("link", name="Eco² agent").click()
    expect(anywhere.get_by_role("heading", name="Eco² agent")).to_be_visible()
