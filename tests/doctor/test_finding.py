"""Checks are run side by side; one that hangs or breaks is a finding like others."""

import asyncio

from frostguard.doctor.finding import Finding, Found, Level, ok, run, warn
from frostguard.errors import StoreUnavailableError


async def test_none_holds_up_the_others() -> None:
    met = asyncio.Event()

    async def hangs() -> Found:
        await asyncio.Event().wait()
        return ok("never")

    async def waits() -> Found:
        await met.wait()
        return ok("met")

    async def meets() -> Found:
        met.set()
        return warn("meets", "nothing")

    async def breaks() -> Found:
        raise StoreUnavailableError("gone\nfor ever")

    found = await run({"hangs": hangs, "waits": waits, "meets": meets, "breaks": breaks}, seconds=0.3)
    assert [(f.name, f.level) for f in found] == [
        ("hangs", Level.FAIL), ("waits", Level.OK), ("meets", Level.WARN), ("breaks", Level.FAIL),
    ]  # fmt: skip
    assert found[3] == Finding("breaks", Level.FAIL, "gone", "see its log")
    assert all(f.do for f in found if f.level), "whatever is not well says what to do"
