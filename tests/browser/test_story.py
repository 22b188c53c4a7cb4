"""From a first login to an alarm that is over, as somebody at the screen sees it."""

from playwright.async_api import expect

from tests.browser.conftest import Window
from tests.browser.system import Kitchen, reading


async def test_a_unit_goes_from_ok_to_alarm_and_back_before_ones_eyes(
    window: Window, kitchen: Kitchen, picture
) -> None:
    page = window.page
    kitchen.plant("Walk-in", interval=60)
    kitchen.publish("Walk-in", *(reading(minutes, 3.0 + minutes % 2) for minutes in range(40, 20, -1)))
    await window.sign_in(kitchen)
    tile = window.tile("Walk-in")
    await expect(tile).to_contain_text("3.0 °C")
    await picture(page, "story-1-before")
