"""Edits that come together: one transaction, each judged, logged and answered for itself."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest

from frostguard.store import audit
from tests.api.world import Api, Organization, Reply, World

HOLD_CHAIN = "select pg_advisory_xact_lock(hashtextextended($1::text, 1181169013))"
END_WRITER = """
select pg_terminate_backend(pid) from pg_stat_activity
 where query like '%with asked as%' and pid <> pg_backend_pid() and datname = current_database()
"""
SOMEBODY_WAITS = """
select exists (select from pg_locks l join pg_database d on d.oid = l.database
                where not l.granted and d.datname = current_database())
    or exists (select from pg_locks w join pg_locks h on h.transactionid = w.transactionid and h.pid = pg_backend_pid()
                where not w.granted)
"""
HOLD_UNIT = "select from units where id = $1 for update"


@asynccontextmanager
async def held(world: World, statement: str, what: UUID) -> AsyncIterator[None]:
    """Somebody else has locked it, for the time of this block."""
    async with world.sql.transaction():
        await world.sql.execute(statement, what if statement == HOLD_UNIT else str(what))
        yield


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    """Ask again and again, for what nothing of ours tells."""
    async with asyncio.timeout(15):
        while not await condition():  # noqa: ASYNC110 - the server's locks tell no event of ours
            await asyncio.sleep(0.002)


async def somebody_waits_for_a_lock(world: World) -> bool:
    return await world.sql.fetchval(SOMEBODY_WAITS)


async def behind(world: World, org: Organization, count: int) -> None:
    """Wait until so many edits wait for those that are being made."""

    async def enough() -> bool:
        return world.program.gathering.waiting(org.id) >= count

    await until(enough)


async def together(api: Api, world: World, org: Organization, requests: list[tuple[UUID, dict]]) -> list[Reply]:
    """Send PUTs that all wait for one transaction to end, and then for the next one together."""
    first = await world.unit(org.id, org.area)
    async with held(world, HOLD_CHAIN, org.id):
        leading = asyncio.create_task(api.put(f"/units/{first}", {"notes": "first"}, org.owner))
        await until(lambda: somebody_waits_for_a_lock(world))
        sent = []
        for n, (unit, body) in enumerate(requests):
            headers = body.pop("headers", None)
            sent.append(asyncio.create_task(api.put(f"/units/{unit}", body, org.owner, headers=headers)))
            await behind(world, org, n + 1)  # in this order
    assert (await leading).status == 200
    return list(await asyncio.gather(*sent))


async def several(world: World, org: Organization, count: int) -> list[UUID]:
    return [await world.unit(org.id, org.area) for _ in range(count)]


async def test_they_are_one_transaction_with_an_entry_for_each(api: Api, world: World) -> None:
    org = await world.organization()
    units = await several(world, org, 20)
    replies = await together(api, world, org, [(unit, {"name": f"N{n}"}) for n, unit in enumerate(units)])
    assert [(reply.status, reply.json["name"]) for reply in replies] == [(200, f"N{n}") for n in range(20)]
    logged = await world.sql.fetch("select n, object_id, xmin::text as by, request_id from audit_log order by n")
    assert [row["object_id"] for row in logged[1:]] == units
    assert len({row["by"] for row in logged[1:]}) == 1
    assert [row["request_id"] for row in logged[1:]] == [reply.headers["X-Request-Id"] for reply in replies]
    check = await audit.verify(world.sql, org.id)
    assert (check.faults, check.n) == ([], 21)
    for unit, reply in zip(units, replies, strict=True):
        shown = await api.get(f"/units/{unit}", org.owner)
        assert (shown.json, shown.headers["ETag"]) == (reply.json, reply.headers["ETag"])


BAD = {
    "refused": (422, {"tempMin": 8, "tempMax": 0}),
    "of no unit": (404, {"name": "x"}),
    "of an old version": (412, {"name": "x", "headers": {"If-Match": '"1"'}}),
    "that takes another's name": (409, {"name": "taken"}),
    "that the database refuses": (422, {"name": "x", "headers": {"X-Change-Reason": "a" * 501}}),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
async def test_one_that_is_bad_is_answered_alone(api: Api, world: World, kind: str) -> None:
    org = await world.organization()
    status, body = BAD[kind]
    one, bad, other, taken = await several(world, org, 4)
    await world.sql.execute("update units set name = 'taken' where id = $1", taken)
    target = uuid4() if status == 404 else bad
    before = await api.get(f"/units/{bad}", org.owner)
    replies = await together(api, world, org, [(one, {"name": "N1"}), (target, dict(body)), (other, {"name": "N2"})])
    assert [reply.status for reply in replies] == [200, status, 200]
    assert (await api.get(f"/units/{bad}", org.owner)).json == before.json
    check = await audit.verify(world.sql, org.id)
    assert (check.faults, check.n) == ([], 3)  # the first, and the two that are good


async def test_two_of_the_same_unit_follow_each_other(api: Api, world: World) -> None:
    org = await world.organization()
    replies = await together(api, world, org, [(org.unit, {"name": "A"}), (org.unit, {"make": "L"})])
    assert [(reply.status, reply.json["name"]) for reply in replies] == [(200, "A")] * 2
    assert replies[0].headers["ETag"] != replies[1].headers["ETag"]
    assert (await api.get(f"/units/{org.unit}", org.owner)).json == replies[1].json


async def test_of_two_that_name_the_same_version_one_is_made(api: Api, world: World) -> None:
    org = await world.organization()
    version = (await api.get(f"/units/{org.unit}", org.owner)).headers["ETag"]
    wanted = [(org.unit, {"name": name, "headers": {"If-Match": version}}) for name in ("A", "B")]
    replies = await together(api, world, org, wanted)
    assert [reply.status for reply in replies] == [200, 412]
    assert (await api.get(f"/units/{org.unit}", org.owner)).json["name"] == "A"


async def test_a_unit_that_somebody_holds_delays_nobody_else(api: Api, world: World) -> None:
    org = await world.organization()
    one, two = await several(world, org, 2)
    async with held(world, HOLD_UNIT, one):
        waits = asyncio.create_task(api.put(f"/units/{one}", {"name": "A"}, org.owner))
        await until(lambda: somebody_waits_for_a_lock(world))
        assert (await api.put(f"/units/{two}", {"name": "C"}, org.owner)).status == 200
        assert not waits.done()
    assert (await waits).status == 200


async def test_organizations_do_not_wait_for_each_other(api: Api, world: World) -> None:
    org, other = await world.organization(), await world.organization()
    async with held(world, HOLD_CHAIN, org.id):
        waits = asyncio.create_task(api.put(f"/units/{org.unit}", {"name": "A"}, org.owner))
        assert (await api.put(f"/units/{other.unit}", {"name": "B"}, other.owner)).status == 200
        assert not waits.done()
    assert (await waits).status == 200


async def test_what_breaks_in_between_is_answered_and_the_next_are_made(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    org = await world.organization()
    async with held(world, HOLD_CHAIN, org.id):
        first = asyncio.create_task(api.put(f"/units/{org.unit}", {"name": "A"}, org.owner))
        await until(lambda: somebody_waits_for_a_lock(world))
        second = asyncio.create_task(api.put(f"/units/{org.unit}", {"make": "L"}, org.owner))
        await behind(world, org, 1)
        await world.sql.execute(END_WRITER)
        assert (await first).status == 503
    assert (await second).status == 200
    assert (await api.get(f"/units/{org.unit}", org.owner)).json["make"] == "L"


async def test_nothing_is_kept_when_nobody_waits(api: Api, world: World) -> None:
    org = await world.organization()
    assert (await api.put(f"/units/{org.unit}", {"name": "A"}, org.owner)).status == 200
    assert world.program.gathering._waiting == {}
