"""The chain of the audit log: unbroken under load, and every tampering found where it was done."""

import asyncio
import json
from uuid import UUID, uuid4

import asyncpg
import pytest

from frostguard.config import DatabaseSettings, load
from frostguard.store import audit
from frostguard.store.audit import ACCOUNTS, OPERATOR, By, Change, Wanted
from frostguard.store.connection import Connection
from frostguard.store.lanes import Lanes
from tests.store.tenants import BY

CHAIN = UUID(int=5)
ODD = {"text": 'a "quote", ä, 🦭, \\ / \b\f\n\r\t \x01\x1f\x7f', "number": 1.5, "none": None, "nested": {"a": [1]}}


async def fill(connection: Connection, count: int = 6) -> None:
    for n in range(count):
        change = Change("unit.updated", "unit", UUID(int=n), {"n": n, **ODD}, {"n": n + 1})
        assert await audit.append(connection, CHAIN, BY, change) == n + 1


async def test_what_python_hashes_is_what_the_database_hashed(direct: Connection) -> None:
    await fill(direct)
    by = By(None, "anonymous", 'why? "ä" \t \x02', None)
    await audit.append(direct, CHAIN, by, Change("x", "y"))
    check = await audit.verify(direct, CHAIN)
    assert (check.faults, check.n) == ([], 7)


async def test_each_organization_has_its_own_chain(direct: Connection) -> None:
    await fill(direct, 2)
    assert await audit.append(direct, None, OPERATOR, Change("a", "b")) == 1
    assert await audit.append(direct, uuid4(), OPERATOR, Change("a", "b")) == 1
    assert {row["chain"]: row["n"] for row in await audit.chains(direct)}[CHAIN] == 2
    assert (await audit.verify(direct, ACCOUNTS)).n == 1


async def test_many_at_once_make_one_chain_without_gaps(database: str) -> None:
    lanes = Lanes(load(DatabaseSettings, {"DATABASE_URL": database}), 8)

    async def one(n: int) -> int:
        async with lanes.lane() as connection:
            return await audit.append(connection, CHAIN, BY, Change("unit.updated", "unit", UUID(int=n)))

    numbers = await asyncio.gather(*(one(n) for n in range(200)))
    assert sorted(numbers) == list(range(1, 201))
    async with lanes.lane() as connection:
        assert (await audit.verify(connection, CHAIN)).faults == []
    await lanes.close()


async def test_an_entry_goes_with_its_transaction(direct: Connection) -> None:
    transaction = direct.transaction()
    await transaction.start()
    await audit.append(direct, CHAIN, BY, Change("a", "b"))
    await transaction.rollback()
    assert await audit.append(direct, CHAIN, BY, Change("a", "b")) == 1


@pytest.mark.parametrize("statement", ["update audit_log set n = n", "delete from audit_log", "truncate audit_log"])
async def test_nobody_changes_it_not_even_its_owner(direct: Connection, statement: str) -> None:
    await fill(direct, 1)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await direct.execute(statement)


EXCHANGE = """
update audit_log set n = case n when 3 then 904 when 4 then 903 end where n in (3, 4);
update audit_log set n = n - 900 where n > 900
"""
FORGE = """
insert into audit_log
select chain, 7, at, actor_id, actor, 'forged', object_type, object_id, old_values, new_values, reason, request_id,
       hash, sha256('x') from audit_log where n = 6
"""
TAMPERINGS = {
    "a value": ("update audit_log set new_values = '{}' where n = 3", [3]),
    "who": ("update audit_log set actor_id = null where n = 3", [3]),
    "when": ("update audit_log set at = at + interval '1 microsecond' where n = 3", [3]),
    "why": ("update audit_log set reason = 'other' where n = 3", [3]),
    "the organization": ("update audit_log set object_id = gen_random_uuid() where n = 3", [3]),
    "a value and its hash": ("update audit_log set reason = 'x', hash = sha256('x') where n = 3", [3, 4]),
    "one removed": ("delete from audit_log where n = 3", [4]),
    "the first removed": ("delete from audit_log where n = 1", [2]),
    "two exchanged": (EXCHANGE, [3, 4, 5]),
    "one inserted": (FORGE, [7]),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERINGS)
async def test_every_tampering_is_found_where_it_was_done(direct: Connection, name: str) -> None:
    statement, where = TAMPERINGS[name]
    await fill(direct)
    await direct.execute("alter table audit_log disable trigger append_only")
    await direct.execute(statement)
    check = await audit.verify(direct, CHAIN)
    assert sorted({fault.n for fault in check.faults}) == where


async def test_a_tail_that_was_cut_off_shows_by_the_number_kept_elsewhere(direct: Connection) -> None:
    await fill(direct)
    before = await audit.verify(direct, CHAIN)
    await direct.execute("alter table audit_log disable trigger append_only")
    await direct.execute("delete from audit_log where n > 4")
    after = await audit.verify(direct, CHAIN)
    assert (after.faults, after.n < before.n, after.head != before.head) == ([], True, True)


async def test_an_export_is_checked_without_us(direct: Connection) -> None:
    await fill(direct)
    lines = [audit.to_line(entry) async for entry in audit.export(direct, CHAIN)]
    check = audit.ChainCheck()
    for line in lines:
        check.take(audit.from_line(line))
    assert (check.faults, check.n) == ([], 6)
    spoilt = json.loads(lines[2]) | {"reason": "another"}
    check = audit.ChainCheck()
    for line in (*lines[:2], json.dumps(spoilt).encode(), *lines[3:]):
        check.take(audit.from_line(line))
    assert [fault.n for fault in check.faults] == [3]


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b"x", b'{"chain": 1}'])
def test_a_line_that_is_no_entry_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        audit.from_line(line)


async def test_a_long_chain_is_read_in_pages(direct: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "PAGE", 2)
    await fill(direct, 5)
    assert [entry.n async for entry in audit.export(direct, CHAIN)] == [1, 2, 3, 4, 5]


async def test_entries_are_found_by_what_they_are_about(direct: Connection) -> None:
    await fill(direct)
    assert [row["n"] for row in await audit.entries(direct, CHAIN, Wanted(before=4), 2)] == [3, 2]
    assert [row["n"] for row in await audit.entries(direct, CHAIN, Wanted(object_id=UUID(int=2)), 9)] == [3]
    assert len(await audit.entries(direct, CHAIN, Wanted(action="unit"), 9)) == 6
    assert await audit.entries(direct, CHAIN, Wanted(action="uni"), 9) == []
    assert await audit.entries(direct, ACCOUNTS, Wanted(), 9) == []
