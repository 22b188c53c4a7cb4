"""The first view is light, and is kept: a second visit fetches none of it again."""

from playwright.async_api import expect

from tests.browser.conftest import Window
from tests.browser.kitchens import furnish
from tests.browser.system import Kitchen

FIRST_VIEW_BYTES = 100_000


async def test_the_first_view_takes_less_than_100_kb_with_everything_that_it_shows(
    window: Window, kitchen: Kitchen
) -> None:
    page = window.page
    furnish(kitchen)
    wire = await page.context.new_cdp_session(page)
    sizes: dict[str, int] = {}
    addresses: dict[str, str] = {}
    wire.on("Network.responseReceived", lambda told: addresses.update({told["requestId"]: told["response"]["url"]}))
    wire.on("Network.loadingFinished", lambda told: sizes.update({told["requestId"]: told["encodedDataLength"]}))
    await wire.send("Network.enable")
    await window.sign_in(kitchen)
    await expect(page.locator(".trend-line").first).to_be_visible()
    await page.wait_for_load_state("networkidle")
    assert len(sizes) > 15
    assert sum(sizes.values()) < FIRST_VIEW_BYTES, {addresses.get(each): size for each, size in sizes.items()}
    elsewhere = [address for address in addresses.values() if not address.startswith(window.base)]
    assert elsewhere == []

    sizes.clear()
    addresses.clear()
    await page.reload()
    await expect(page.locator(".trend-line").first).to_be_visible()
    again = {addresses[each]: size for each, size in sizes.items() if "/page/" in addresses.get(each, "")}
    assert sum(again.values()) == 0, "the files of the page are kept"


async def test_a_page_of_an_older_release_loads_itself_again(window: Window, kitchen: Kitchen) -> None:
    page = window.page
    await window.sign_in(kitchen)
    await expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    await page.evaluate("() => { window.isOld = true }")
    await page.route("**/page/*/alerts.mjs", lambda route: route.fulfill(status=404))
    await page.route(window.base + "/", lambda route: route.fulfill(body='<script src="/page/newer/app.mjs">'), times=1)
    await window.go("#/alerts")
    await page.wait_for_function("() => !window.isOld")
