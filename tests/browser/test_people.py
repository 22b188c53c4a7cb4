"""Different people at the page: by keyboard, in Fahrenheit, without rights, with names that are traps."""

import asyncio

import pytest
from playwright.async_api import Route, expect

from tests.browser.conftest import Opener, Window
from tests.browser.system import PASSWORD, Kitchen, System, reading
from tests.waiting import eventually

HOSTILE = "<img src=x onerror=\"document.title='taken'\">"


async def test_a_viewer_is_offered_nothing_that_the_api_would_refuse(opener: Opener, kitchen: Kitchen) -> None:
    kitchen.plant("Cooler")
    kitchen.publish("Cooler", *(reading(minutes, 12.0) for minutes in (20, 10, 5, 0)))
    for role, offered in (("viewer", 0), ("staff", 1), ("owner", 2)):
        window = await opener()
        page = window.page
        await window.sign_in(kitchen, role)
        await window.go("#/alerts")
        await expect(page.locator(".alert")).to_have_count(1)
        await expect(page.locator(".alert button")).to_have_count(offered)
        await expect(page.locator("nav a")).to_have_count(3 if role == "owner" else 2)
        await window.go(f"#/units/{kitchen.units['Cooler']}")
        await page.locator("[data-settings] summary").click()
        await expect(page.locator("[data-setting]").first).to_be_visible()
        await expect(page.locator("[data-setting=high] button")).to_have_count(1 if role == "owner" else 0)
        await expect(page.get_by_role("button", name="Write down")).to_have_count(0 if role == "viewer" else 1)


async def test_what_the_api_refuses_is_shown_as_it_says_it(window: Window, kitchen: Kitchen) -> None:
    page = window.page
    kitchen.plant("Cooler")
    kitchen.publish("Cooler", *(reading(minutes, 12.0) for minutes in (20, 10, 5, 0)))
    await window.sign_in(kitchen)
    await window.go("#/alerts")
    await page.get_by_role("button", name="Resolve: Temperature alarm, Cooler").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Resolve").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("Its condition still holds")
    await dialog.get_by_label("Reason").select_option("out_of_service")
    await dialog.get_by_label("What was done (optional)").fill("Emptied and switched off.")
    await dialog.get_by_role("button", name="Resolve").click()
    await expect(dialog).to_be_hidden()
    await expect(page.get_by_text("No alerts.")).to_be_visible()
    await page.get_by_label("Status").select_option("resolved")
    await page.get_by_text("Timeline").click()
    await expect(page.locator(".timeline")).to_contain_text("Done: Emptied and switched off. (Owner)")


async def test_everything_can_be_done_by_keyboard(window: Window, kitchen: Kitchen) -> None:
    page, press = window.page, window.page.keyboard.press
    kitchen.plant("Cooler")
    kitchen.plant("Fridge")
    kitchen.publish("Cooler", *(reading(minutes, 12.0) for minutes in (20, 10, 5, 0)))
    await window.open()
    await expect(page.get_by_label("Email")).to_be_focused()
    await page.keyboard.type(kitchen.email("owner"))
    await press("Tab")
    await page.keyboard.type(PASSWORD)
    await press("Enter")
    await expect(page.get_by_role("heading", name="Overview")).to_be_focused()
    await expect(page.locator(".tile")).to_have_count(2)
    await press("/")
    await expect(page.get_by_label("Search units")).to_be_focused()
    await page.keyboard.type("cool")
    await expect(page.locator(".tile")).to_have_count(1)
    await tab_to(page, page.get_by_role("link", name="Cooler"))
    await press("Enter")
    await expect(page.get_by_role("heading", name="Cooler")).to_be_focused()
    await expect(page.locator(".line")).to_have_count(1)
    plot = page.get_by_role("slider")
    await tab_to(page, plot)
    await expect(plot).to_have_attribute("aria-valuetext", lambda_text("12.0 °C, out of limits"))
    await press("Home")
    await expect(plot).to_have_attribute("aria-valuenow", "0")
    await press("ArrowRight")
    await expect(plot).to_have_attribute("aria-valuenow", "1")
    await page.get_by_role("heading", name="Cooler").focus()
    await press("a")
    button = page.get_by_role("button", name="Acknowledge: Temperature alarm, Cooler")
    await expect(page.get_by_role("heading", name="Alerts")).to_be_focused()
    await tab_to(page, button)
    await press("Enter")
    await expect(page.get_by_label("Note (optional)")).to_be_focused()
    await press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()
    await expect(button).to_be_focused()


def lambda_text(words: str):
    """A pattern for an attribute that contains the words."""
    import re

    return re.compile(re.escape(words))


async def tab_to(page, wanted) -> None:
    """Tab until it has the focus, as somebody without a pointer does."""
    await expect(wanted).to_be_visible()
    for _ in range(40):
        if await wanted.evaluate("element => element === document.activeElement"):
            return
        await page.keyboard.press("Tab")
    pytest.fail("the keyboard does not get there")


async def test_fahrenheit_is_a_matter_of_display(window: Window, kitchen: Kitchen, everything: System) -> None:
    page = window.page
    kitchen.plant("Cooler")
    kitchen.publish("Cooler", *(reading(minutes, 4.0) for minutes in (10, 5, 0)))
    await window.sign_in(kitchen)
    await expect(window.tile("Cooler")).to_contain_text("4.0 °C")
    await page.get_by_text("Preferences").click()
    await page.get_by_label("Temperatures in").select_option("F")
    await expect(window.tile("Cooler")).to_contain_text("39.2 °F")
    await page.keyboard.press("Escape")
    await window.go(f"#/units/{kitchen.units['Cooler']}")
    await page.locator("[data-settings] summary").click()
    row = page.locator("[data-setting=high]")
    await expect(row).to_contain_text("41.0 °F")
    await row.get_by_role("button").click()
    await page.get_by_label("Value in °F").fill("42.8")
    await page.get_by_role("button", name="Save").click()
    await expect(row).to_contain_text("42.8 °F")
    await expect(row).to_contain_text("this unit")
    unit = kitchen.units["Cooler"]
    stored = "select (settings ->> 'high')::float from unit_settings where unit_id = %s"
    assert everything.value(HIGH, unit) == 6.0, stored
    await page.reload()
    await expect(page.locator(".state")).to_contain_text("39.2 °F")


HIGH = "select temp_max from units where id = %s"


async def test_names_are_text_whatever_is_in_them(window: Window, kitchen: Kitchen, everything: System) -> None:
    page = window.page
    with everything.sql() as c:
        for table in ("organizations", "sites", "areas"):
            column = "id" if table == "organizations" else "organization_id"
            c.execute(f"update {table} set name = %s where {column} = %s", (HOSTILE, kitchen.id))
    unit = kitchen.plant(HOSTILE, serial=kitchen.serial("x"))
    kitchen.publish_as(kitchen.serial("x"), *(reading(minutes, 12.0) for minutes in (20, 10, 5, 0)))
    eventually(lambda: everything.phase(unit) == "alarm", "it is in alarm")
    with everything.sql() as c:
        c.execute("update sensors set name = %s where organization_id = %s", (HOSTILE, kitchen.id))
        kitchen.plant_sensor(c, "<b>pending</b>", None)
    await window.sign_in(kitchen)
    await expect(page.locator(".tile h2")).to_have_text(HOSTILE)
    await expect(page.locator(".site-name")).to_have_text(HOSTILE)
    for view in (f"#/units/{unit}", "#/alerts", "#/sensors"):
        await window.go(view)
        await expect(page.get_by_text("<img src=x" if view != "#/sensors" else "<b>pending").first).to_be_visible()
        await expect(page.locator("img, main b")).to_have_count(0)
    await page.get_by_role("button", name="Assign").click()
    await expect(page.get_by_role("dialog").locator("option")).to_have_count(2)
    await page.goto(window.base + "/wall")
    await expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    assert await page.locator("img").count() == 0
    assert "taken" not in await page.title()


async def test_a_view_that_comes_late_does_not_take_the_place_of_the_next(window: Window, kitchen: Kitchen) -> None:
    page, asked, sent = window.page, asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        asked.set()
        await sent.wait()
        await route.continue_()

    await window.sign_in(kitchen)
    await page.route("**/alerts.mjs", late)
    await window.go("#/alerts")
    await asked.wait()
    await window.go("#/sensors")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sensors without a unit")
    async with page.expect_response("**/alerts.mjs"):
        sent.set()
    await page.evaluate("import(new URL('alerts.mjs', document.querySelector('script[type=module]').src))")  # it is in
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sensors without a unit")


async def test_a_pending_sensor_gets_its_unit_and_its_readings_with_it(window: Window, kitchen: Kitchen) -> None:
    page, serial = window.page, "a84041ffff9999ab"
    kitchen.plant("Cooler")
    unit = kitchen.plant("Fridge", serial=kitchen.serial("other"))
    kitchen.publish_as(serial, reading(3, 2.0), reading(1, 2.1))
    system = kitchen.system
    held = "select count(*) from held_readings h join sensors s on s.id = h.sensor_id where s.serial = %s"
    eventually(lambda: system.value(held, serial) == 2, "its readings are held")
    await window.sign_in(kitchen)
    await page.get_by_role("link", name="Sensors (1)").click()
    await page.get_by_role("button", name=f"Assign {serial}").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("2 readings wait for it.")
    await dialog.get_by_label("Unit").select_option("Cooler")
    await dialog.get_by_role("button", name="Assign").click()
    await expect(page.get_by_text("Every sensor has its unit.")).to_be_visible()
    moved = "select count(*) from sensor_readings where unit_id = %s"
    eventually(lambda: system.value(moved, kitchen.units["Cooler"]) == 2, "its readings are the unit's")
    assert unit != kitchen.units["Cooler"]
