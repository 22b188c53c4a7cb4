"""From the daemon's commit to a socket: what is stored is shown, in its order, and what is undone never is."""

from collections.abc import AsyncIterator

import pytest

from frostguard.errors import FrostGuardError
from tests.api.conftest import Running, serving
from tests.api.feed.clients import connected
from tests.ingest.stage import Stage, staged

REFUSE = """
create function refuse() returns trigger language plpgsql as $$ begin raise 'no' using errcode = '23514'; end $$;
create trigger refuse before insert on events for each row execute function refuse()
"""


@pytest.fixture
async def stage(database: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    async with staged(database, monkeypatch) as one:
        yield one


@pytest.fixture
async def running(database: str, stage: Stage) -> AsyncIterator[Running]:
    assert stage.units
    async with serving(database) as found:
        yield found


async def token_of(running: Running, stage: Stage) -> str:
    return await running.world.token(await running.world.member(stage.planted.organization, "viewer"))


async def test_a_warm_freezer_is_seen_from_reading_to_alert(running: Running, stage: Stage) -> None:
    org, unit = stage.planted.organization, stage.units[0]
    async with connected(running.api.http, running.api.base, await token_of(running, stage)) as socket:
        for topic in (f"org:{org}:units", f"org:{org}:alerts", f"unit:{unit}:readings", f"unit:{unit}:state"):
            assert (await socket.subscribe(topic))["type"] == "snapshot"
        await stage.live("0:4 5:8 15:9")
        step = (await socket.until("alerts"))["alerts"][0]
        assert (step["action"], step["alert"]["alertType"]) == ("opened", "alarm_active")
        # Frames of different topics come in any order.
        await socket.once("state", lambda m: m.get("unit", {}).get("status") == "alarm_active")
        await running.program.live.follower.look()
        await socket.quiet()
    readings = [r["temperature"] for m in socket.seen if m["type"] == "readings" for r in m["readings"]]
    patches = [u for m in socket.seen if m["type"] == "units" for u in m["units"]]
    events = [e for m in socket.seen if m["type"] == "state" for e in m.get("events", [])]
    assert readings == [4.0, 8.0, 9.0]
    assert [p["status"] for p in patches if "status" in p][-1] == "alarm_active"
    assert patches[-1]["lastTemperature"] == 9.0
    kinds = [e["kind"] for e in events]
    assert kinds.index("excursion_started") < kinds.index("alarm_raised") < kinds.index("alert")
    assert [e["id"] for e in events] == sorted({e["id"] for e in events})


async def test_a_batch_that_is_rolled_back_shows_nothing(running: Running, stage: Stage) -> None:
    unit = stage.units[0]
    await stage.live("0:4")
    async with connected(running.api.http, running.api.base, await token_of(running, stage)) as socket:
        for topic in (f"unit:{unit}:readings", f"unit:{unit}:state"):
            await socket.subscribe(topic)
        await stage.connection.execute(REFUSE)
        with pytest.raises(FrostGuardError):  # everything of it was written but the last
            await stage.commit([stage.row(5, 8.0)])
        await stage.connection.execute("drop trigger refuse on events")
        await running.program.live.follower.look()
        assert await socket.quiet() == []
        await stage.live("6:4")
        assert [r["temperature"] for r in (await socket.until("readings"))["readings"]] == [4.0]
