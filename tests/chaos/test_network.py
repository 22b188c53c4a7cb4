"""The network to the database says nothing any more: told in time, stopped in time, and nothing is lost."""

import asyncio
import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from frostguard.config import DatabaseSettings
from frostguard.errors import StoreUnavailableError, UsageError
from frostguard.local.postgres import PostgresServer
from frostguard.store import partitions, readings
from frostguard.store.connection import GONE, Connection, abandon, connect
from tests.chaos.rig import eventually, rigged
from tests.factories import NOON, identity, make_reading
from tests.fakes import until
from tests.tcp_proxy import Proxy

COUNT = 2000


@pytest.mark.case("B6")
def test_a_database_that_is_swallowed_is_noticed_and_left_in_time_and_nothing_is_lost(
    tmp_path: Path, case: Callable[..., None]
) -> None:
    """B6: nothing comes through either way, in the midst of readings; and again, when the daemon is to stop."""
    with rigged(tmp_path, gateways=10, sensors=5) as rig, Proxy(rig.postgres.port) as network:
        rig.door = network.port
        rig.start_daemon()
        rig.publish("--rate", "100", "--count", str(COUNT))
        eventually(lambda: rig.count() > 100, 30, "readings come")
        with network.swallowing():
            began, slowest = time.monotonic(), 0.0
            while rig.probe("/readyz") == 200:
                asked = time.monotonic()
                assert rig.probe("/livez") == 200
                slowest = max(slowest, time.monotonic() - asked)
                assert time.monotonic() < began + 60, "never noticed"
                time.sleep(0.1)
            case("detected", time.monotonic() - began, "s", below=10)
            case("slowest answer of the daemon meanwhile", slowest * 1000, "ms")
        healed, stored = time.monotonic(), rig.count()
        eventually(lambda: rig.probe("/readyz") == 200 and rig.count() > stored, 60, "it goes on alone")
        case("goes on after it has healed", time.monotonic() - healed, "s")
        with network.swallowing():
            time.sleep(0.5)
            told = time.monotonic()
            code = rig.kill_daemon(signal.SIGTERM)
            case("stopped", time.monotonic() - told, "s", below=10)
            assert code == 0
        rig.start_daemon()
        rig.finish()
        rig.settle()
        verdict = rig.verdict()
        assert verdict.faults == {}
        case("readings stored", verdict.stored, equal=COUNT)


# --- a server that does not hear its client any more

STUCK = """
select a.pid, a.state, a.wait_event, (select count(*) from pg_stat_progress_copy p where p.pid = a.pid) as copying
  from pg_stat_activity a where a.application_name = 'stuck' and a.datname = current_database()
"""
LOCKS = """
select distinct l.mode from pg_locks l join pg_class c on c.oid = l.relation
 where l.pid = $1 and c.relname ~ '^sensor_readings' and c.relkind in ('r', 'p')
"""
ROWS = 40_000
TRIES = 3  # what a lock holds up is held up each time


async def copy_until_unheard(network: Proxy, connection: Connection) -> None:
    """COPY, with a network that lets nothing through to the server from the third piece on."""
    rows = [make_reading(n / 600, sensor_id=identity(f"{n}")) for n in range(ROWS)]
    pieces = itertools.count()

    def sent(_: object) -> None:
        if next(pieces) == 2:
            network.swallow(to_server=True, to_client=False)

    await connection.execute("begin")
    await readings.copy(connection, rows, sent)


async def copies(observer: Connection) -> bool:
    row = await observer.fetchrow(STUCK)
    return row is not None and (row["state"], row["wait_event"], row["copying"]) == ("active", "ClientRead", 1)


async def quickest_ms(work: Callable[[int], Awaitable[object]]) -> float:
    """Milliseconds of the quickest of some tries."""
    took = []
    for number in range(TRIES):
        began = time.monotonic()
        await work(number)
        took.append(time.monotonic() - began)
    return min(took) * 1000


@pytest.fixture
async def observer(database: str) -> AsyncIterator[Connection]:
    """Another session, which waits for a lock for one second."""
    opened = await connect(DatabaseSettings(url=database, command_timeout=2), "observer")
    await partitions.ensure(opened, [NOON, NOON + timedelta(minutes=ROWS / 600)])
    yield opened
    await opened.close()


@pytest.mark.case("B7")
async def test_a_copy_whose_client_is_not_heard_any_more_is_in_nobodys_way(
    database: str, observer: Connection, case: Callable[..., None]
) -> None:
    """B7: meanwhile others write to the same week, read, and make partitions; each with a bound on locks."""
    port = urlsplit(database).port or 0
    with Proxy(port) as network:
        through = database.replace(f":{port}/", f":{network.port}/")
        connection = await connect(DatabaseSettings(url=through, command_timeout=2), "stuck")
        copying = asyncio.create_task(copy_until_unheard(network, connection))
        await until(lambda: copies(observer), "the server waits in the midst of a COPY")
        pid = await observer.fetchval(STUCK)

        async def write(number: int) -> None:
            await readings.copy(observer, [make_reading(number / 60, sensor_id=identity("other"))])

        async def make(number: int) -> None:
            assert await partitions.ensure(observer, [NOON + timedelta(weeks=20 + number)])

        async def read(_: int) -> None:
            await observer.fetchval("select count(*) from sensor_readings")

        for what, work in (("a writer", write), ("a reader", read), ("a new partition", make)):
            case(f"{what} beside a stuck COPY", await quickest_ms(work), "ms", below=100)
        assert [row["mode"] for row in await observer.fetch(LOCKS, pid)] == ["RowExclusiveLock"]
        with pytest.raises(StoreUnavailableError):
            await copying
        abandon(connection)
        assert await copies(observer), "no bound on statements ends it: the server has not heard that we are gone"
        network.heal()
        await until(lambda: _ended(observer), "the server hears of it")
    assert await observer.fetchval("select count(*) from sensor_readings") == TRIES


async def _ended(observer: Connection) -> bool:
    return await observer.fetchrow(STUCK) is None


# --- the same without a kernel that confirms what nobody takes

SOURCE = "127.87.0.7"  # an address of this machine that nobody else uses


def _route(change: str) -> None:
    subprocess.run(["ip", "route", change, "blackhole", f"{SOURCE}/32", "table", "local"], check=True)


@pytest.fixture
def welcome(postgres: PostgresServer) -> Iterator[None]:
    """Let the server take connections from SOURCE."""
    rules = Path(postgres.folder) / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text(f"{before}\nhost all all {SOURCE}/32 scram-sha-256\n")
    with psycopg.connect(postgres.url(), autocommit=True) as c:
        c.execute("select pg_reload_conf()")
    yield
    rules.write_text(before)
    with psycopg.connect(postgres.url(), autocommit=True) as c:
        c.execute("select pg_reload_conf()")


async def connected(settings: DatabaseSettings) -> Connection:
    """A connection, as soon as the server has read that it may be."""
    while True:
        with contextlib.suppress(UsageError):
            return await connect(settings, "stuck")


@contextmanager
def lost_packets() -> Iterator[None]:
    """No packet from or to SOURCE arrives."""
    _route("add")
    try:
        yield
    finally:
        _route("del")


@pytest.mark.case("B7")
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("ip"), reason="only root can lose packets, with iproute2")
@pytest.mark.usefixtures("welcome")
@pytest.mark.parametrize("what", ["copy", "unconfirmed"])
async def test_the_server_ends_what_a_vanished_client_has_left_open(
    database: str, observer: Connection, case: Callable[..., None], monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """B7: in the midst of a COPY, and idle with a lock of its own, when the server has said what nobody confirmed."""
    for name, value in {"idle": 1, "interval": 1, "count": 2}.items():  # a tenth of ours, about
        monkeypatch.setitem(GONE, f"tcp_keepalives_{name}", str(value))
    monkeypatch.setitem(GONE, "tcp_user_timeout", "3000")
    port = urlsplit(database).port or 0
    with Proxy(port, SOURCE) as network:
        through = database.replace(f":{port}/", f":{network.port}/")
        connection = await connected(DatabaseSettings(url=through, command_timeout=2))
        await connection.fetchval("select pg_advisory_lock(1)")
        if what == "copy":
            copying = asyncio.create_task(copy_until_unheard(network, connection))
            await until(lambda: copies(observer), "the server waits in the midst of a COPY")
        else:
            await connection.execute("listen x")
        with lost_packets():
            gone = time.monotonic()
            await observer.execute("notify x")
            await until(lambda: _ended(observer), "the server takes it for gone")
            case(f"{what}: ended, with bounds of 3 s instead of 25 s", time.monotonic() - gone, "s", below=6)
            assert await observer.fetchval("select pg_try_advisory_lock(1)")
        if what == "copy":
            with pytest.raises(StoreUnavailableError):
                await copying
        abandon(connection)
