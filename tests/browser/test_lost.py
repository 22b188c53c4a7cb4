"""The API goes away and comes back: nobody is left to believe a frozen page, and nothing is missed."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Window
from tests.browser.system import Kitchen, System, reading


@pytest.fixture
def fragile(everything: System) -> Iterator[System]:
    """The system, whose API may be cut; it is back at the end."""
    yield everything
    everything.bring_api_back()


async def test_a_cut_is_told_tiles_turn_stale_and_the_page_catches_up(
    window: Window, kitchen: Kitchen, fragile: System
) -> None:
    page, tile, note = window.page, window.tile("Cooler"), window.page.locator(".note")
    kitchen.plant("Cooler", interval=300)
    kitchen.publish("Cooler", *(reading(minutes, 3.0) for minutes in range(20, 0, -5)))
    await page.clock.install()
    await window.sign_in(kitchen)
    await expect(tile.locator(".status")).to_have_text("OK")

    fragile.cut_api()
    await page.clock.run_for(20_000)
    await expect(note).to_contain_text(re.compile(r"Connection lost, last update \d\d:\d\d:\d\d"))
    await page.clock.run_for(60_000)
    await expect(tile.locator(".status")).to_contain_text("Not live")
    await expect(tile.locator(".status")).to_contain_text("was OK")
    await expect(page.locator(".phase")).to_have_text("Not live")

    kitchen.publish("Cooler", reading(0, 4.5))
    fragile.bring_api_back()
    await page.clock.run_for(20_000)
    await expect(tile).to_contain_text("4.5 °C")
    await expect(note).to_contain_text("Connected again")
    await page.clock.run_for(10_000)
    await expect(note).to_be_hidden()


async def test_who_opens_the_page_while_the_api_is_away_is_told_and_comes_in_later(
    window: Window, kitchen: Kitchen, fragile: System
) -> None:
    page = window.page
    kitchen.plant("Cooler")
    await window.sign_in(kitchen)
    await page.route("**/organizations/**", lambda route: route.abort())
    await page.reload()
    await expect(page.locator(".note")).to_contain_text("Connection lost")
    await page.unroute("**/organizations/**")
    await expect(window.tile("Cooler")).to_be_visible()


async def test_a_unit_whose_readings_stop_looks_unhealthy_even_if_nobody_says_so(
    window: Window, kitchen: Kitchen
) -> None:
    page, tile = window.page, window.tile("Cooler")
    kitchen.plant("Cooler", interval=60)
    kitchen.publish("Cooler", reading(0.1, 3.0))
    await page.route_web_socket("**/ws", lambda socket: socket.close())
    await page.route("**/units?*", freeze)
    await window.sign_in(kitchen)
    await expect(tile).to_contain_text("No data since")
    await expect(tile.locator(".status")).to_contain_text("Not live")
    await expect(tile.locator(".status")).to_contain_text("was OK")


async def freeze(route) -> None:
    """A daemon that has stood still for ten minutes: the API answers, and says what it said then."""
    answer = await route.fetch()
    then = (datetime.now(UTC) - timedelta(minutes=10)).isoformat()
    units = [{**unit, "dataState": "fresh", "lastReadingAt": then} for unit in await answer.json()]
    await route.fulfill(response=answer, json=units)
