"""Letters that are committed are sent: once, also after a crash, when the server is away, when one is refused."""

import asyncio
import base64
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from frostguard.domain.access import Role
from frostguard.store import letters
from frostguard.store.letters import Letter
from tests.api.conftest import SECRET, Running, serving
from tests.api.handlers.test_accounts import token_in
from tests.api.smtp import PostOffice, closed_port, open_office
from tests.api.world import World
from tests.conftest import wait_for_exit
from tests.waiting import eventually

PLAIN = "password_changed"


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with open_office() as found:
        yield found


async def post(running: Running, *recipients: str, kind: str = PLAIN, seconds: float = 3600) -> None:
    """Write letters without waking who sends them."""
    async with running.program.lanes.transaction() as connection:
        for each in recipients:
            await running.program.outbox.post(connection, Letter(kind, each, seconds))


async def waiting(world: World) -> int:
    return await world.sql.fetchval("select count(*) from letters")


async def due_now(world: World) -> None:
    """The pauses are over."""
    await world.sql.execute("update letters set due_at = now()")


def value(metric: Any) -> float:
    return metric._value.get()


async def test_a_letter_is_sent_once_and_nothing_of_it_is_kept(database: str, office: PostOffice) -> None:
    async with serving(database, SMTP_URL=office.url) as running:
        await post(running, "a@x.io", "b@x.io")
        await running.program.outbox.send_due()
        assert office.recipients == ["a@x.io", "b@x.io"]
        assert await waiting(running.world) == 0
        assert value(running.program.metrics.mail.sent.labels(PLAIN)) == 2
        assert value(running.program.metrics.mail.waiting) == 0


async def test_what_is_rolled_back_is_not_sent(running: Running, mails) -> None:
    async def fail() -> None:
        async with running.program.lanes.transaction() as connection:
            await running.program.outbox.post(connection, Letter(PLAIN, "a@x.io", 60))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await mails() == []


async def test_many_processes_send_each_letter_once(database: str, office: PostOffice) -> None:
    async with serving(database, SMTP_URL=office.url) as one, serving(database, SMTP_URL=office.url) as other:
        recipients = [f"u{n:02}@x.io" for n in range(30)]
        await post(one, *recipients)
        await asyncio.gather(one.program.outbox.send_due(), other.program.outbox.send_due())
        while await waiting(one.world):  # the loops of the programs may have taken some
            await asyncio.gather(one.program.outbox.send_due(), other.program.outbox.send_due())
        assert office.recipients == recipients


async def test_a_server_that_is_away_gets_everything_when_it_is_back(database: str) -> None:
    port = closed_port()
    async with serving(database, SMTP_URL=f"smtp://127.0.0.1:{port}") as running:
        outbox, world = running.program.outbox, running.world
        await post(running, "a@x.io", "b@x.io")
        pauses = [await outbox.send_due() for _ in range(4)]
        assert pauses == sorted(pauses)
        assert max(pauses) <= 60
        assert await waiting(world) == 2
        assert value(running.program.metrics.mail.failures.labels("away")) >= 2
        with open_office(port) as office:
            await due_now(world)
            await outbox.send_due()
            assert office.recipients == ["a@x.io", "b@x.io"]
        assert await waiting(world) == 0


async def test_a_letter_that_is_refused_waits_longer_each_time_and_holds_nobody_up(
    database: str, office: PostOffice
) -> None:
    office.refused = {"poison@x.io"}
    async with serving(database, SMTP_URL=office.url) as running:
        outbox, world = running.program.outbox, running.world
        await post(running, "poison@x.io", "good@x.io")
        await outbox.send_due()
        assert office.recipients == ["good@x.io"]
        pauses = []
        for _ in range(3):
            pauses.append(await world.sql.fetchval("select extract(epoch from due_at - now())::float8 from letters"))
            await due_now(world)
            await outbox.send_due()
        assert pauses == pytest.approx([15, 30, 60], abs=5)
        await world.sql.execute("update letters set expires_at = now(), due_at = now()")
        await outbox.send_due()
        assert await waiting(world) == 0
        assert value(running.program.metrics.mail.given_up) == 1


async def test_the_table_opens_no_door_and_every_try_sends_the_same_token(database: str) -> None:
    port = closed_port()
    async with serving(database, SMTP_URL=f"smtp://127.0.0.1:{port}") as running:
        api, world, outbox = running.api, running.world, running.program.outbox
        await world.user("ada@example.com")
        await api.post("/auth/password/forgot", {"email": "ada@example.com"})
        await outbox.send_due()
        row = await world.sql.fetchrow("select * from letters")
        with open_office(port) as office:
            for _ in range(2):  # the first one went out, and the process died before it could say so
                await due_now(world)
                claimed = await outbox._prepare()
                assert claimed is not None
                await asyncio.to_thread(outbox._mailer.deliver, claimed[1])
            first, second = (token_in(each.as_string()) for each in office.letters)
        assert first == second
        readable = {str(value) for value in row.values()} | {row["seed"].hex}
        guesses = readable | {base64.urlsafe_b64encode(row["seed"].bytes).decode().rstrip("=")}
        for guess in guesses:
            assert (
                await api.post("/auth/password/reset", {"token": guess[:200] or "x", "password": "x" * 9})
            ).status == 422
        assert (await api.post("/auth/password/reset", {"token": first, "password": "another horse"})).status == 200


async def test_a_secret_that_changed_makes_another_token_and_an_invitation_still_opens(running: Running, mails) -> None:
    org = await running.world.organization()
    outbox = running.program.outbox
    async with outbox._turn:
        body = {"email": "new@example.com", "role": "viewer"}
        assert (await running.api.post(f"/organizations/{org.id}/invitations", body, org.owner)).status == 201
    outbox._key = b"of the secret after this"
    [mail] = await mails()
    assert (await running.api.post("/invitations/preview", {"token": token_in(mail)})).json[
        "email"
    ] == "new@example.com"


async def test_who_needs_no_letter_any_more_gets_none(running: Running, mails) -> None:
    world, api, outbox = running.world, running.api, running.program.outbox
    org = await world.organization()
    path = f"/organizations/{org.id}/invitations"
    async with outbox._turn:  # the post has to wait
        made = (await api.post(path, {"email": "new@example.com", "role": "viewer"}, org.owner)).json
        await api.delete(f"{path}/{made['id']}", token=org.owner)
        await post(running, "nobody@example.com", kind="reset")
        await post(running, "nobody@example.com", kind="verify")
        email = await world.sql.fetchval("select email from users where id = $1", org.users[Role.STAFF])
        await world.sql.execute("update users set disabled_at = now() where email = $1", email)
        await post(running, email, kind="reset")
    assert await mails() == []
    assert await waiting(world) == 0


async def test_letters_are_bounded(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letters, "MAX_WAITING", 2)
    async with running.program.outbox._turn:
        await post(running, "a@x.io", "b@x.io", "c@x.io")
        assert await waiting(running.world) == 2
    assert value(running.program.metrics.mail.dropped) == 1


async def test_a_stop_lets_the_letter_in_hand_go_out(database: str, office: PostOffice) -> None:
    async with serving(database, SMTP_URL=office.url) as running:
        await post(running, *(f"u{n}@x.io" for n in range(5)))
        running.program.outbox.wake()
        while not office.received:  # noqa: ASYNC110 - another thread receives
            await asyncio.sleep(0.005)
    assert len(set(office.recipients)) == len(office.recipients)


def api_process(database: str, folder: Path, url: str) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ, "DATABASE_URL": database, "JWT_SECRET": SECRET, "PORT": "0", "SMTP_URL": url,
        "API_READY_FILE": str(folder / "ready"), "LOG_LEVEL": "ERROR",
    }  # fmt: skip
    return subprocess.Popen([sys.executable, "-m", "api"], env=environment)


async def test_a_process_killed_while_it_sends_leaves_the_letter_to_the_next(
    database: str, office: PostOffice, tmp_path: Path
) -> None:
    async with serving(database) as running:  # another process, whose hands are tied
        world = running.world
        await running.program.outbox.stop()
        await world.user("ada@example.com")
        office.silent = True
        await running.api.post("/auth/password/forgot", {"email": "ada@example.com"})
        first = api_process(database, tmp_path, office.url)
        await asyncio.to_thread(eventually, office.came.is_set, "the letter is being sent")
        first.send_signal(signal.SIGKILL)
        wait_for_exit(first)
        assert office.received == []
        assert await waiting(world) == 1
        await due_now(world)  # what the claim of the dead one waits for
        office.silent = False
        second = api_process(database, tmp_path, office.url)
        await asyncio.to_thread(eventually, lambda: office.received, "the letter arrives after all")
        second.terminate()
        assert wait_for_exit(second) == 0
        [letter] = office.letters
        body = {"token": token_in(letter.as_string()), "password": "another horse"}
        assert (await running.api.post("/auth/password/reset", body)).status == 200
