"""The exported page in a real browser: it steps by the replay's keys, reads without a script, and obeys no data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from sandbox.adapters import chromium
from sandbox.report.episode_html import episode_page
from sandbox.trace import Episode
from tests.report.test_episode_exports import COUNT, chunks, saying
from tests.tui.conftest import MARKS, SCORES, robot_episode

pytestmark = pytest.mark.browser

RUNS = """() => [...document.querySelectorAll("*")].flatMap((node) => [...node.attributes]
    .filter((one) => one.name.startsWith("on") || /^\\s*(javascript|https?|\\/\\/)/i.test(one.value))
    .map((one) => node.tagName + one.name))"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=chromium.find(), args=["--no-sandbox"])
        yield made
        made.close()


def opened(
    context: BrowserContext, folder: Path, episode: Episode, *parts: object, at: str = ""
) -> tuple[Page, list[str]]:
    """The page of an episode, from a file, and whatever went wrong or was asked for."""
    path = folder / "episode.html"
    path.write_text("".join(episode_page(episode, *parts)), "utf-8")  # type: ignore[arg-type]
    heard: list[str] = []
    page = context.new_page()
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on(
        "request", lambda request: heard.append(request.url) if not request.url.startswith(("file:", "data:")) else None
    )
    page.on("dialog", lambda dialog: heard.append(dialog.message))
    page.goto(path.as_uri() + at)
    return page, heard


def here(page: Page) -> str:
    """The number of the one step in sight."""
    seen = [one.get_attribute("id") or "" for one in page.query_selector_all("section.step") if one.is_visible()]
    assert len(seen) == 1
    return seen[0].removeprefix("step-")


def test_the_page_steps_by_the_replays_keys(browser: Browser, tmp_path: Path) -> None:
    with browser.new_context() as context:
        page, heard = opened(context, tmp_path, robot_episode(), SCORES, MARKS)
        pressed = []
        for key in ["ArrowRight", "l", "n", "ArrowLeft", "End", "l", "Home", "w", "w", "W", "Home", "r", "R"]:
            page.keyboard.press(key)
            pressed.append(here(page))
        assert pressed == ["2", "3", "4", "3", "14", "14", "1", "4", "9", "4", "1", "9", "9"]
        assert page.url.endswith("#step-9")
        page.click("text=step 9 >> nth=0")
        page.click("#steps a >> nth=4")
        assert here(page) == "5"
        page.fill("#number", "12")
        page.press("#number", "Enter")
        assert here(page) == "12"
        page.fill("#number", "1.5")  # there is none between two
        page.press("#number", "Enter")
        assert here(page) == "1"
        page.keyboard.press("Home")
        page.keyboard.press("/")
        page.keyboard.type("OFF LIMITS")
        page.keyboard.press("Enter")
        assert here(page) == "9"
        assert "of 1 steps with it" in page.inner_text("#said")
        page.goto(page.url.partition("#")[0] + "#step-7")
        assert here(page) == "7"
        assert heard == []


def test_without_scripts_all_steps_can_be_read_and_print_has_them_all(browser: Browser, tmp_path: Path) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page, _ = opened(context, tmp_path, robot_episode())
        assert page.locator("section.step:visible").count() == 14
        assert not page.locator("#bar").is_visible()
    with browser.new_context() as context:
        page, _ = opened(context, tmp_path, robot_episode())
        assert page.locator("section.step:visible").count() == 1
        page.emulate_media(media="print")
        assert page.locator("section.step:visible").count() == 14


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off_on_a_narrow_screen(browser: Browser, tmp_path: Path, scheme: str) -> None:
    with browser.new_context(viewport={"width": 400, "height": 800}, color_scheme=scheme) as context:  # type: ignore[arg-type]
        page, _ = opened(context, tmp_path, robot_episode(), SCORES, MARKS)
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
        colours = page.evaluate(
            "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
        )
        paper, ink = (sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in colours)
        assert (paper < ink) == (scheme == "dark")


@pytest.mark.hostile
def test_a_browser_finds_nothing_to_run_in_what_data_says(
    browser: Browser, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with browser.new_context() as context:
        for texts in chunks():
            page, heard = opened(context, tmp_path, *saying(texts))
            assert page.evaluate("document.scripts.length") == 1
            assert page.evaluate(RUNS) == []
            page.keyboard.press("ArrowRight")
            assert here(page) == "2"
            assert heard == []
            page.close()
    with capsys.disabled():
        print(f"\nHTML export in a browser: {COUNT} payloads, 0 run")
