"""From a first login to an alarm that is over, as somebody at the screen sees it."""

from playwright.async_api import expect

from tests.browser.conftest import Window
from tests.browser.system import PASSWORD, Kitchen, reading


async def test_a_unit_goes_from_ok_to_alarm_and_back_before_ones_eyes(window: Window, kitchen: Kitchen) -> None:
    page, tile = window.page, window.tile("Walk-in")
    kitchen.plant("Walk-in", interval=60)
    kitchen.publish("Walk-in", *(reading(minutes, 3.0) for minutes in range(20, 0, -1)))
    await window.sign_in(kitchen)
    await expect(tile).to_contain_text("OK")
    await shorten_confirm_time(window)

    kitchen.publish("Walk-in", reading(0.5, 9.0))
    await expect(tile).to_contain_text("Out of limits")
    await expect(tile).to_contain_text("9.0 °C")
    kitchen.publish("Walk-in", reading(0.2, 9.5))
    await expect(tile.locator(".status")).to_have_text("Alarm")
    await expect(page.locator("#announcer")).to_have_text("New alert: Temperature alarm, Walk-in")

    await page.get_by_role("link", name="Alerts (1)").click()
    await page.get_by_role("button", name="Acknowledge: Temperature alarm, Walk-in").click()
    await page.get_by_label("Note (optional)").fill("I close the door.")
    await page.get_by_role("dialog").get_by_role("button", name="Acknowledge").click()
    await expect(page.locator(".alert")).to_contain_text("Acknowledged")
    await expect(page.locator(".alert")).to_contain_text("I close the door.")
    await page.get_by_text("Timeline").click()
    await expect(page.locator(".timeline")).to_contain_text("Acknowledged by Owner")
    await page.get_by_role("link", name="Overview").click()
    await expect(tile).to_contain_text("acknowledged")

    kitchen.publish("Walk-in", reading(0.1, 3.0))
    await expect(tile).to_contain_text("Recovering")
    kitchen.publish("Walk-in", reading(0, 3.1))
    await expect(tile.locator(".status")).to_have_text("OK")
    await expect(tile).to_contain_text("3.1 °C")
    await expect(page.get_by_role("link", name="Alerts", exact=True)).to_be_visible()


async def test_a_chart_grows_as_readings_come(window: Window, kitchen: Kitchen) -> None:
    page, plot = window.page, window.page.get_by_role("slider")
    kitchen.plant("Cooler", interval=60)
    kitchen.publish("Cooler", *(reading(minutes, 3.0) for minutes in (5, 4, 3, 2, 1)))
    await window.sign_in(kitchen)
    await window.go(f"#/units/{kitchen.units['Cooler']}")
    await expect(plot).to_have_attribute("aria-valuemax", "4")
    kitchen.publish("Cooler", reading(0.5, 4.0), reading(0, 12.5))
    await expect(plot).to_have_attribute("aria-valuemax", "6")
    await expect(page.locator(".state")).to_contain_text("12.5 °C")
    await expect(page.locator(".block-out")).to_have_count(1)


async def test_an_alert_that_ends_while_one_looks_becomes_history(window: Window, kitchen: Kitchen) -> None:
    page = window.page
    kitchen.plant("Cooler", interval=300)
    kitchen.publish("Cooler", *(reading(minutes, 12.0) for minutes in (25, 20, 15, 10)))
    await window.sign_in(kitchen)
    await window.go(f"#/units/{kitchen.units['Cooler']}")
    await expect(page.locator(".alert .tag")).to_have_text("Active")
    kitchen.publish("Cooler", reading(5, 3.0), reading(0, 3.0))
    await expect(page.locator(".alert .tag")).to_have_text("Resolved")
    await expect(page.locator(".alert button")).to_have_count(0)
    await expect(page.locator(".alert-bar")).to_have_count(1)


async def shorten_confirm_time(window: Window) -> None:
    """As a manager does it: open the unit, open its settings, change one."""
    page = window.page
    await window.tile("Walk-in").get_by_role("link").click()
    await page.locator("[data-settings] summary").click()
    row = page.locator("[data-setting=confirmSeconds]")
    await expect(row).to_contain_text("600 s")
    await expect(row).to_contain_text("preset of the type")
    await row.get_by_role("button").click()
    await page.get_by_label("Value in s").fill("-5")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("confirmSeconds")
    await page.get_by_label("Value in s").fill("1")
    await page.get_by_role("button", name="Save").click()
    await expect(row).to_contain_text("this unit")
    await page.get_by_role("link", name="Overview").first.click()


async def test_who_is_refused_reads_why_and_may_try_again(window: Window, kitchen: Kitchen) -> None:
    page = window.page
    await window.open()
    await page.get_by_label("Email").fill(kitchen.email("viewer"))
    await page.get_by_label("Password").fill("wrong horse")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("password")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("button", name="Sign in")).to_be_visible()


async def test_a_token_that_ran_out_is_renewed_unseen_and_a_session_that_ended_is_told(
    window: Window, kitchen: Kitchen
) -> None:
    page = window.page
    await window.sign_in(kitchen)
    spoil = """names => {
        const tokens = JSON.parse(localStorage.getItem("frostguard.session"));
        for (const name of names) tokens[name] = "spoilt";
        localStorage.setItem("frostguard.session", JSON.stringify(tokens));
    }"""
    await page.evaluate(spoil, ["access_token"])
    await page.reload()
    await expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    assert await page.evaluate("() => localStorage.getItem('frostguard.session').includes('spoilt')") is False
    await page.evaluate(spoil, ["access_token", "refresh_token"])
    await window.go("#/alerts")
    await expect(page.get_by_role("alert")).to_contain_text("Your session has ended")
