"""One system and one browser for all tests of a worker; each test has a window and an organization of its own.

Everything runs in one event loop for the whole session: the driver's pipe to the browser belongs to it.
"""

import os
import re
import shutil
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

import frostguard
from frostguard.local.postgres import PostgresServer
from tests.browser.system import PASSWORD, Kitchen, System, system

ROOT = Path(frostguard.__file__).parent.parent
OUTPUT = ROOT / ".frostguard-test-output" / "browser"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
WIDE = {"width": 1280, "height": 800}

expect.set_options(timeout=20_000)  # without a feed the page asks every 15 s


def find_chromium() -> str | None:
    """The browser of this machine; none is ever downloaded."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All that need the browser in its loop; and without a browser none of them."""
    missing = pytest.mark.skip(reason="no Chromium on this machine (Debian: apt-get install chromium)")
    for item in items:
        if Path(__file__).parent not in Path(item.path).parents or "browser" not in getattr(item, "fixturenames", ()):
            continue
        item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
        if find_chromium() is None:
            item.add_marker(missing)


@pytest.fixture(scope="session")
def everything(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    name = f"browser_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(postgres.url(), autocommit=True) as c:
        c.execute(f"create database {name} template template strategy file_copy")
    with system(postgres.url(name), tmp_path_factory.mktemp("system")) as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    sandbox = [] if os.geteuid() else ["--no-sandbox"]
    async with async_playwright() as driver:
        one = await driver.chromium.launch(executable_path=find_chromium(), args=[*sandbox, "--disable-gpu"])
        yield one
        await one.close()


class Window:
    """One window of a browser that knows nothing yet, and what went wrong in it."""

    def __init__(self, page: Page, base: str) -> None:
        self.page = page
        self.base = base
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: message.type == "error" and self.errors.append(message.text))

    async def open(self, path: str = "/") -> None:
        await self.page.goto(self.base + path)

    async def sign_in(self, kitchen: Kitchen, role: str = "owner", path: str = "/") -> None:
        await self.open(path)
        await self.page.get_by_label("Email").fill(kitchen.email(role))
        await self.page.get_by_label("Password").fill(PASSWORD)
        await self.page.get_by_role("button", name="Sign in").click()
        await expect(self.page.get_by_role("heading", level=1)).not_to_have_text("FrostGuard")

    async def go(self, view: str) -> None:
        """Another view, as a link would do it."""
        await self.page.evaluate("path => { location.hash = path }", view)

    def tile(self, name: str) -> Any:
        return self.page.locator(".tile").filter(has=self.page.get_by_role("link", name=name, exact=True))

    def unexpected(self) -> list[str]:
        """Errors of the page itself; that a server could not be reached is none of its faults."""
        away = re.compile(r"ERR_CONNECTION|WebSocket connection|Failed to load resource")
        return [error for error in self.errors if not away.search(error)]


Opener = Callable[..., Awaitable[Window]]


@pytest_asyncio.fixture(loop_scope="session")
async def opener(browser: Browser, everything: System) -> AsyncIterator[Opener]:
    """A function that opens a window; every one must have come through without an error of its own."""
    windows: list[Window] = []

    async def open_window(**options: Any) -> Window:
        context = await browser.new_context(
            **{"viewport": WIDE, "locale": "en-GB", "timezone_id": "Asia/Tokyo", **options}
        )
        windows.append(Window(await context.new_page(), everything.url))
        return windows[-1]

    yield open_window
    for window in windows:
        await window.page.context.close()
    assert [error for window in windows for error in window.unexpected()] == []


@pytest_asyncio.fixture(loop_scope="session")
async def window(opener: Opener) -> Window:
    return await opener()


@pytest.fixture
def kitchen(everything: System) -> Kitchen:
    return everything.kitchen()


@pytest.fixture
def picture() -> Callable[[Page, str], Awaitable[None]]:
    """A function that writes what a window shows to the test output."""

    async def write(page: Page, name: str) -> None:
        OUTPUT.mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=OUTPUT / f"{name}.png", animations="disabled")

    return write
