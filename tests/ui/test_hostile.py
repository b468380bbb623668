"""What a stranger may put into a trace is text: nothing of it runs, loads, breaks the layout or stops the page."""

import base64
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from tests.ui.conftest import Site
from tests.ui.reference import now
from tests.ui.test_big_trace import WATCH_LONG_TASKS

PROJECT = "hostile"
SCRIPT = "<script>window.owned = 1</script><img src=x onerror='window.owned = 2'><svg onload='window.owned = 3'>"
RIGHT_TO_LEFT = "مرحبا \u202e gnihtemos \u2066 שלום"
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
STACK = "Traceback (most recent call last):\n" + "".join(f'  File "a.py", line {n}, in f\n' for n in range(80)) + "Boom"
IMAGES = [
    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{base64.b64encode(b'no png').decode()}"}},
    {"type": "image_url", "image_url": {"url": "https://elsewhere.example/pixel.png"}},
    {"type": "image_url", "image_url": {"url": "data:image/svg+xml;base64,PHN2Zy8+"}},
]


def send_hostile(site: Site, project: str) -> str:
    """Send the trace of a stranger; the address of its only run."""
    began = now() - timedelta(minutes=5)
    content = [{"type": "text", "text": f"{SCRIPT}\n{RIGHT_TO_LEFT}"}, *IMAGES]
    run_id = "6a1f2c3e-0000-4000-8000-00000000bad1"
    site.client.create_run(
        f"{SCRIPT}{'W' * 300}",
        {"messages": [{"role": f"user{SCRIPT}", "content": content}], "blob": {"x": ["y" * 40] * 22_000}},
        "llm",
        project_name=project,
        id=run_id,
        trace_id=run_id,
        start_time=began,
        end_time=began + timedelta(seconds=1),
        outputs={"choices": [{"message": {"role": "assistant", "content": SCRIPT}}]},
        error=f"{SCRIPT}\n{STACK}",
        tags=[SCRIPT, RIGHT_TO_LEFT],
        extra={"metadata": {"thread_id": SCRIPT, "user_id": RIGHT_TO_LEFT, "k": SCRIPT, "__proto__": {"owned": 4}}},
    )
    site.settle()
    return f"/projects/{project}/traces/{run_id}?run={run_id}"


@pytest.fixture(scope="module")
def hostile_url(site: Site) -> str:
    return site.url + send_hostile(site, PROJECT)


def test_nothing_in_a_trace_runs_or_is_loaded(anywhere: Page, site: Site, hostile_url: str) -> None:
    asked: list[str] = []
    anywhere.on("request", lambda request: asked.append(request.url))
    for address in (hostile_url, f"{site.url}/projects/{PROJECT}/traces", f"{site.url}/projects/{PROJECT}/threads"):
        anywhere.goto(address)
        expect(anywhere.get_by_text("window.owned = 1").first).to_be_visible()
        assert anywhere.evaluate("window.owned") is None
    assert [url for url in asked if not url.startswith((site.url, "data:"))] == []


def test_the_image_that_came_along_is_shown_and_the_broken_one_says_so(anywhere: Page, hostile_url: str) -> None:
    anywhere.goto(hostile_url)
    detail = anywhere.get_by_role("region", name="Run detail")
    expect(detail.get_by_role("img", name="Image in the message")).to_have_count(1)
    expect(detail.get_by_text("image that does not decode")).to_be_visible()


def test_an_error_keeps_its_stack_within_the_panel(anywhere: Page, hostile_url: str) -> None:
    anywhere.goto(hostile_url)
    expect(anywhere.locator(".error-text").first).to_contain_text("line 79")
    assert anywhere.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_megabyte_of_json_opens_without_a_long_pause(anywhere: Page, site: Site, hostile_url: str) -> None:
    anywhere.add_init_script(WATCH_LONG_TASKS)
    anywhere.goto(f"{hostile_url}&tab=io")
    shown = anywhere.locator(".json pre").first
    expect(shown).to_contain_text("window.owned")
    assert len(shown.text_content() or "") < 10_000
    anywhere.evaluate("window.longest = 0")
    anywhere.get_by_role("button", name="Show all").first.click()
    expect(shown).to_contain_text("y" * 40)
    assert len(shown.text_content() or "") > 900_000
    assert anywhere.evaluate("window.longest") < 500


def test_a_phone_holds_the_hostile_trace(anywhere: Page, hostile_url: str) -> None:
    anywhere.set_viewport_size({"width": 390, "height": 844})
    anywhere.goto(hostile_url)
    expect(anywhere.locator(".error-text").first).to_be_visible()
    assert anywhere.evaluate("document.documentElement.scrollWidth") <= 390
