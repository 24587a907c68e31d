"""Reports in a real browser: nothing is said on the console, nothing runs out of the page, smoothing works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser
NAMES = ("classification", "regression", "comparison")


@pytest.fixture
def shown(browser: Any, pages: Path) -> Iterator[Callable[..., Any]]:
    """shown(name, theme=…, width=…): a page, opened; what it says on the console lies in `page.said`."""
    contexts = []

    def show(name: str, theme: str = "light", width: int = 1280, **more: Any) -> Any:
        size = {"width": width, "height": 800}
        contexts.append(browser.new_context(viewport=size, color_scheme=theme, **more))
        page = contexts[-1].new_page()
        page.said = []
        page.on("console", lambda message: page.said.append(message.text))
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.on(
            "request", lambda r: None if r.url.startswith(("file:", "data:")) else page.said.append(r.url)
        )
        page.goto((pages / f"{name}.html").as_uri())
        return page

    yield show
    for context in contexts:
        context.close()


@pytest.mark.parametrize("width", [1280, 375])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_the_page_opens_without_a_word_and_fits(
    shown: Callable[..., Any], name: str, theme: str, width: int
) -> None:
    page = shown(name, theme, width)
    assert page.said == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.body.scrollWidth") <= width
    assert page.evaluate("[...document.images].filter(i => !i.complete || !i.naturalWidth).length") == 0
    outside = """[...document.querySelectorAll('h1, h2, p, figure, nav, .figures div')]
                 .filter(e => e.getBoundingClientRect().right > innerWidth).map(e => e.outerHTML)"""
    assert page.evaluate(outside) == []


@pytest.mark.parametrize("name", NAMES)
def test_themes_differ_and_follow_the_system(shown: Callable[..., Any], name: str) -> None:
    seen = "getComputedStyle(document.body)"
    light, dark = shown(name, "light"), shown(name, "dark")
    assert light.evaluate(f"{seen}.backgroundColor") == "rgb(255, 255, 255)"
    assert dark.evaluate(f"{seen}.backgroundColor") == "rgb(20, 23, 29)"
    assert light.evaluate(f"{seen}.color") != dark.evaluate(f"{seen}.color")
    words = "getComputedStyle(document.querySelector('svg text')).fill"
    assert light.evaluate(words) != dark.evaluate(words)


@pytest.mark.parametrize("name", NAMES)
def test_smoothing(shown: Callable[..., Any], name: str) -> None:
    page = shown(name)
    slider, smooth = page.locator(".smoothing input"), page.locator("polyline.smooth")
    assert slider.is_visible() and smooth.count() == page.locator("polyline.line").count() > 1
    assert not smooth.first.is_visible()
    slider.fill("0.5")
    assert page.locator(".smoothing output").inner_text() == "0.50" and smooth.first.is_visible()

    def points(which: str) -> list[list[float]]:
        text = page.locator(which).first.get_attribute("points")
        return [[float(v) for v in pair.split(",")] for pair in text.split()]

    before, after = points("polyline.line"), points("polyline.smooth")
    assert [x for x, _ in after] == [x for x, _ in before]
    mean = weight = 0.0
    for (_, y), (_, drawn) in zip(before, after, strict=True):
        mean, weight = 0.5 * mean + y, 0.5 * weight + 1
        assert drawn == pytest.approx(mean / weight, abs=0.01)
    slider.fill("0")
    assert not smooth.first.is_visible() and page.said == []


@pytest.mark.parametrize("name", NAMES)
def test_without_scripts_only_the_slider_is_missing(shown: Callable[..., Any], name: str) -> None:
    page = shown(name, java_script_enabled=False)
    assert not page.locator(".smoothing").first.is_visible()
    assert page.locator("polyline.line").first.is_visible()
    with_script = shown(name)
    for what in ("section", "img", "svg", "table"):
        assert page.locator(what).count() == with_script.locator(what).count()


def test_wide_tables_scroll_in_their_place(shown: Callable[..., Any]) -> None:
    page = shown("classification", width=375)
    table = page.locator("#time-and-memory .wide")
    assert table.evaluate("e => e.scrollWidth > e.clientWidth && e.clientWidth <= innerWidth")
    assert table.evaluate("e => { e.focus(); return document.activeElement === e }")  # with the keyboard, too


def test_links_lead_to_their_parts(shown: Callable[..., Any]) -> None:
    page = shown("classification")
    page.locator("nav a", has_text="Mistakes").click()
    assert abs(page.locator("#mistakes").bounding_box()["y"]) < 40


def test_on_paper(shown: Callable[..., Any]) -> None:
    page = shown("classification", "dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator("nav").is_visible() and not page.locator(".smoothing").is_visible()
    assert page.locator("details table").first.bounding_box()["height"] > 50  # what is folded up is printed
    assert page.pdf().startswith(b"%PDF")


def test_drawings_have_words_for_those_who_cannot_see_them(shown: Callable[..., Any]) -> None:
    page = shown("classification")
    count = page.locator("svg").count() + page.locator("img").count()
    assert page.get_by_role("img").count() == count
    assert page.get_by_role("img", name="Confusion matrix of 10 classes").count() == 1
    assert page.get_by_role("columnheader", name="precision").count() == 1
