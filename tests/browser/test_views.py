"""Every view, light and dark, wide and narrow: without barriers, without a scroll bar to the side, and as pictures."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from tests.browser.conftest import WIDE, Opener, Window
from tests.browser.kitchens import furnish
from tests.browser.system import Kitchen, System

PHONE = {"width": 320, "height": 700}
WALL = {"width": 1600, "height": 900}
TALL = {"width": 1280, "height": 1500}
WORST = {"serious", "critical"}


@dataclass(frozen=True)
class View:
    """Where a view is, how to tell that it is there, and what to do before one looks at it."""

    name: str
    place: str
    sign: str
    prepare: Callable[[Page], Awaitable[None]] | None = None
    wide: Any = None


async def open_settings(page: Page) -> None:
    await page.locator("[data-settings] summary").click()
    await expect(page.locator("[data-setting]").first).to_be_visible()


async def open_table(page: Page) -> None:
    await page.get_by_text("Values as a table").click()
    await expect(page.locator("caption").first).to_contain_text("newest first")


async def choose_week(page: Page) -> None:
    await page.get_by_role("button", name="7 days").click()
    await expect(page.locator("figure.chart")).to_have_attribute("data-range", "7d")
    await expect(page.locator(".block-door").first).to_be_attached()
    await expect(page.locator(".readout")).to_contain_text("door opened once, 30 min")


async def open_dialog(page: Page) -> None:
    await page.get_by_role("button", name="Resolve").first.click()
    await expect(page.get_by_role("dialog")).to_be_visible()


async def see_all_lines(page: Page) -> None:
    """Tiles in sight ask for their lines one after the other."""
    await page.wait_for_load_state("networkidle")


async def open_preferences(page: Page) -> None:
    await page.get_by_text("Preferences").click()


VIEWS = (
    View("overview", "#/", ".trend-line >> nth=0", see_all_lines),
    View("preferences", "#/", ".trend-line >> nth=0", open_preferences),
    View("unit", "#/units/{Walk-in freezer}", ".line", None, TALL),
    View("unit-settings", "#/units/{Fish counter}", ".line", open_settings, TALL),
    View("unit-week", "#/units/{Fish counter}", ".line", choose_week, TALL),
    View("unit-gap", "#/units/{Delivery cooler}", ".block-gap", open_table, TALL),
    View("alerts", "#/alerts", ".alert"),
    View("dialog", "#/alerts", ".alert", open_dialog),
    View("sensors", "#/sensors", "[data-sensor]"),
)


@pytest.fixture(scope="module")
def furnished(everything: System) -> Kitchen:
    kitchen = everything.kitchen()
    furnish(kitchen)
    return kitchen


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(opener: Opener, furnished: Kitchen) -> Window:
    window = await opener(viewport=WIDE)
    await window.sign_in(furnished)
    return window


async def barriers(page: Page) -> list[str]:
    """What axe finds that keeps people out."""
    found = await Axe().run(page)
    assert len(found.response["passes"]) > 10, "it has looked"
    violations = found.response["violations"]
    return [
        f"{each['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for each in violations
        if each["impact"] in WORST
        for node in each["nodes"]
    ]


async def look(window: Window, view: View, kitchen: Kitchen) -> None:
    page = window.page
    await window.go("#/none")  # so that a view that is there already is made anew
    await window.go(view.place.format(**{name: str(unit) for name, unit in kitchen.units.items()}))
    await expect(page.locator(view.sign).first).to_be_attached()
    if view.prepare is not None:
        await view.prepare(page)


async def leave(view: View, page: Page) -> None:
    if view.prepare in {open_dialog, open_preferences}:
        await page.keyboard.press("Escape")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_view_has_barriers(visitor: Window, furnished: Kitchen, picture, scheme: str) -> None:
    page, found = visitor.page, []
    await page.emulate_media(color_scheme=scheme)
    for view in VIEWS:
        await page.set_viewport_size(view.wide or WIDE)
        await look(visitor, view, furnished)
        found += [f"{view.name}: {each}" for each in await barriers(page)]
        await picture(page, f"{view.name}-{scheme}")
        await leave(view, page)
    assert found == []


async def test_the_choice_of_colours_wins_over_the_system(visitor: Window) -> None:
    page = visitor.page
    ground = "() => getComputedStyle(document.body).backgroundColor"
    await page.emulate_media(color_scheme="light")
    light = await page.evaluate(ground)
    await page.get_by_text("Preferences").click()
    await page.get_by_label("Colours").select_option("dark")
    dark = await page.evaluate(ground)
    assert light != dark
    await page.emulate_media(color_scheme="dark")
    await page.get_by_label("Colours").select_option("light")
    assert await page.evaluate(ground) == light
    await page.get_by_label("Colours").select_option("auto")
    assert await page.evaluate(ground) == dark


async def test_nothing_is_wider_than_a_phone(visitor: Window, furnished: Kitchen, picture) -> None:
    page, wide = visitor.page, []
    await page.set_viewport_size(PHONE)
    for view in VIEWS:
        await look(visitor, view, furnished)
        width = await page.evaluate("() => document.scrollingElement.scrollWidth")
        if width > PHONE["width"]:
            wide.append((view.name, width))
        await picture(page, f"{view.name}-phone")
        await leave(view, page)
    assert wide == []


async def test_sign_in_and_wall_have_no_barriers_either(opener: Opener, furnished: Kitchen, picture) -> None:
    window = await opener(viewport=WALL)
    page = window.page
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        await window.open()
        await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
        assert await barriers(page) == []
        await picture(page, f"login-{scheme}")
    await window.sign_in(furnished)
    await window.open("/wall")
    await expect(page.locator(".trend-line").nth(3)).to_be_attached()
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        assert await barriers(page) == []
        await picture(page, f"wall-{scheme}")
    await page.set_viewport_size(PHONE)
    assert await page.evaluate("() => document.scrollingElement.scrollWidth") <= PHONE["width"]


async def test_every_range_is_drawn_and_read(visitor: Window, furnished: Kitchen) -> None:
    page = visitor.page
    await look(visitor, VIEWS[2], furnished)
    for word, name, step in (
        ("1 hour", "1h", ""), ("6 hours", "6h", ""), ("7 days", "7d", " to "), ("30 days", "30d", " to "),
        ("90 days", "90d", " to "), ("1 year", "1y", " to "), ("24 hours", "24h", ""),
    ):  # fmt: skip
        await page.get_by_role("button", name=word, exact=True).click()
        await expect(page.locator(".chart")).to_have_attribute("data-range", name)
        await expect(page.locator(".facts")).to_contain_text("Mean")
        await expect(page.locator(".key-band")).to_have_count(1 if step else 0)
        await page.get_by_role("slider").focus()
        await expect(page.locator(".readout")).to_contain_text("out of limits")
        await expect(page.locator(".cursor circle")).to_have_count(1)
        assert step in await page.locator(".readout").inner_text()
    times = await page.locator(".readout").inner_text()
    assert "EST" in times or "GMT-" in times, f"the zone of the site, not of the machine: {times}"


async def test_less_motion_where_somebody_asked_for_less(opener: Opener, kitchen: Kitchen) -> None:
    window = await opener(reduced_motion="reduce")
    page = window.page
    await window.sign_in(kitchen)
    await window.open("/wall")
    await expect(page.get_by_label("Flash")).to_be_visible()
    await page.evaluate("() => document.body.classList.add('flash')")
    assert await page.evaluate("() => getComputedStyle(document.body).animationName") == "none"
