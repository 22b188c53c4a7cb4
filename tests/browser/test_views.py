"""Every view, light and dark, wide and narrow: without barriers, without a scroll bar, and as pictures."""

from playwright.async_api import expect

from tests.browser.conftest import Window
from tests.browser.kitchens import furnish


async def goto(window: Window, view: str) -> None:
    await window.page.evaluate("path => { location.hash = path }", view)


async def test_views(opener, kitchen, picture) -> None:
    furnish(kitchen)
    window = await opener(color_scheme="light")
    page = window.page
    await window.sign_in(kitchen)
    await expect(page.locator(".tile")).to_have_count(6)
    await expect(page.locator(".trend-line").first).to_be_visible()
    await picture(page, "overview-light")
    await page.emulate_media(color_scheme="dark")
    await picture(page, "overview-dark")
    await page.emulate_media(color_scheme="light")
    await goto(window, f"#/units/{kitchen.units['Fish counter']}")
    await expect(page.locator(".line").first).to_be_visible()
    await page.locator("[data-settings] summary").click()
    await expect(page.locator("[data-setting]").first).to_be_visible()
    await picture(page, "unit-light")
    await page.emulate_media(color_scheme="dark")
    await goto(window, f"#/units/{kitchen.units['Walk-in freezer']}")
    await expect(page.locator(".line").first).to_be_visible()
    await picture(page, "unit-dark")
    await goto(window, "#/alerts")
    await expect(page.locator(".alert").first).to_be_visible()
    await picture(page, "alerts-dark")
    await page.get_by_role("button", name="Resolve").first.click()
    await picture(page, "dialog-dark")
    await page.keyboard.press("Escape")
    await goto(window, "#/sensors")
    await expect(page.locator("[data-sensor]").first).to_be_visible()
    await picture(page, "sensors-dark")
    await page.set_viewport_size({"width": 320, "height": 700})
    await picture(page, "sensors-phone")
    await goto(window, "#/")
    await picture(page, "overview-phone")
    await goto(window, f"#/units/{kitchen.units['Delivery cooler']}")
    await expect(page.locator(".line").first).to_be_visible()
    await picture(page, "unit-phone")
    await page.set_viewport_size({"width": 1600, "height": 900})
    await page.goto(window.base + "/wall")
    await expect(page.locator(".tile")).to_have_count(6)
    await picture(page, "wall-dark")
