"""Letters that wait: claimed by one at a time, in the order in which they are due, bounded."""

import pytest

from frostguard.config import DatabaseSettings, load
from frostguard.store import letters
from frostguard.store.connection import Connection, connect
from frostguard.store.letters import Letter


def letter(recipient: str, seconds: float = 60) -> Letter:
    return Letter("session_ended", recipient, seconds)


async def claimed(connection: Connection) -> str | None:
    row = await letters.claim(connection, 120)
    return None if row is None else row["recipient"]


async def test_one_after_the_other_and_none_twice(direct: Connection, database: str) -> None:
    for each in ("a@x.io", "b@x.io"):
        assert await letters.add(direct, letter(each))
    other = await connect(load(DatabaseSettings, {"DATABASE_URL": database}), "test")
    async with direct.transaction():
        assert await claimed(direct) == "a@x.io"
        assert await claimed(other) == "b@x.io", "what somebody holds is left out, not waited for"
    assert await claimed(direct) is None
    await other.close()


async def test_a_claim_ends_and_a_postponed_letter_comes_last(direct: Connection) -> None:
    for each in ("a@x.io", "b@x.io"):
        await letters.add(direct, letter(each))
    first = await letters.claim(direct, 0)
    assert first is not None
    assert (first["recipient"], first["tries"]) == ("a@x.io", 1)
    await letters.postpone(direct, first["id"], 900)
    assert await claimed(direct) == "b@x.io"
    state = await letters.look(direct)
    assert (state["waiting"], round(state["next_seconds"], -1)) == (2, 120)
    await letters.remove(direct, first["id"])
    assert (await letters.look(direct))["waiting"] == 1


async def test_a_letter_says_when_it_is_too_old(direct: Connection) -> None:
    await letters.add(direct, letter("a@x.io", 0))
    row = await letters.claim(direct, 1)
    assert row is not None
    assert row["too_old"]
    await direct.execute("delete from letters")
    assert tuple(await letters.look(direct)) == (0, 0.0, None)


async def test_so_many_wait_and_no_more(direct: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letters, "MAX_WAITING", 2)
    assert [await letters.add(direct, letter("a@x.io")) for _ in range(3)] == [True, True, False]
