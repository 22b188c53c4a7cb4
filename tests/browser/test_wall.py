"""The wall display: no chrome, everything in sight, and a call when something critical begins, by choice."""

from playwright.async_api import expect

from tests.browser.conftest import Opener, Window
from tests.browser.system import Kitchen, reading

COUNT_TONES = """
window.tones = 0;
window.OscillatorNode = class extends OscillatorNode {
  start(...given) { window.tones += 1; super.start(...given); }
};
"""


async def test_it_flashes_and_sounds_for_a_new_critical_alert_when_somebody_chose_so(
    opener: Opener, kitchen: Kitchen
) -> None:
    window = await opener(viewport={"width": 1920, "height": 1080})
    page = window.page
    await page.add_init_script(COUNT_TONES)
    kitchen.plant("Cooler")
    kitchen.publish("Cooler", *(reading(minutes, 3.0) for minutes in (20, 15)))
    await window.sign_in(kitchen)
    await window.open("/wall")
    await expect(window.tile("Cooler")).to_be_visible()
    await expect(page.get_by_role("button", name="Sign out")).to_have_count(0)
    await expect(page.get_by_label("Flash")).not_to_be_checked()
    await expect(page.get_by_label("Sound")).not_to_be_checked()
    await page.get_by_label("Flash").check()
    assert await page.evaluate("() => window.tones") == 0
    await page.get_by_label("Sound").check()
    await page.wait_for_function("() => window.tones === 4")  # so that one hears what was chosen
    kitchen.publish("Cooler", *(reading(minutes, 12.0) for minutes in (12, 6, 1)))
    await expect(page.locator("body")).to_have_class("on-wall flash")
    await expect(window.tile("Cooler").locator(".status")).to_have_text("Alarm")
    await page.wait_for_function("() => window.tones === 8")
    scrolls = "() => document.scrollingElement.scrollHeight > innerHeight"
    assert await page.evaluate(scrolls) is False


async def test_without_a_session_it_says_so(window: Window) -> None:
    await window.open("/wall")
    await expect(window.page.get_by_role("heading", name="Not signed in")).to_be_visible()
    await expect(window.page.get_by_role("link", name="Sign in")).to_have_attribute("href", "/")


async def test_what_does_not_fit_is_counted_and_the_worst_is_in_sight(opener: Opener, kitchen: Kitchen) -> None:
    window = await opener(viewport={"width": 700, "height": 560})
    page = window.page
    for number in range(9):
        kitchen.plant(f"Unit {number}")
    kitchen.publish("Unit 7", *(reading(minutes, 12.0) for minutes in (20, 10, 5, 0)))
    await window.sign_in(kitchen)
    await window.open("/wall")
    await expect(page.locator(".tile").first).to_contain_text("Unit 7")
    shown = await page.locator(".tile").count()
    assert 1 < shown < 9
    await expect(page.get_by_text(f"{9 - shown} Offline").last).to_be_visible()
