"""bcrypt beside the event loop, with a short queue."""

import asyncio
import threading

import pytest

from api import passwords
from api.passwords import Passwords
from api.problems import Problem


async def test_the_loop_goes_on_while_passwords_are_hashed() -> None:
    made = Passwords(10)
    hashing = asyncio.ensure_future(made.hash("correct horse"))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 10
    assert await made.verify("correct horse", hashing.result())
    made.close()


async def test_beyond_the_queue_there_is_a_503(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(passwords.security, "hash_password", lambda *_: release.wait(10) and "")
    made = Passwords(4)
    waiting = [asyncio.ensure_future(made.hash("x")) for _ in range(passwords.MAX_PENDING)]
    await asyncio.sleep(0)
    with pytest.raises(Problem) as caught:
        await made.hash("x")
    assert (caught.value.status, caught.value.headers["Retry-After"]) == (503, "2")
    release.set()
    await asyncio.gather(*waiting)
    assert made.pending == 0
    made.close()
