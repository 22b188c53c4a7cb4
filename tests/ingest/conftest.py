"""Connections and brokers for the daemon's parts."""

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest

from frostguard.config import DatabaseSettings
from frostguard.gateway_passwords import mosquitto_hash
from frostguard.local.broker import DAEMON, Broker, find_mosquitto
from frostguard.local.ports import free_port
from frostguard.local.postgres import PostgresServer
from frostguard.store.connection import Connection, connect
from tests.factories import GATEWAY, Planted, plant
from tests.ingest.rig import PASSWORD


@pytest.fixture(scope="session")
def used_database(postgres: PostgresServer) -> Iterator[str]:
    """The URL of one database for many tests that change rows only."""
    name = f"u_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres.url(), autocommit=True) as c:
        c.execute(f"create database {name} template template strategy file_copy")
        yield postgres.url(name)
        c.execute(f"drop database {name} with (force)")


@pytest.fixture
def emptied(used_database: str) -> str:
    """The URL of a database without a row, in a third of the time of a fresh one."""
    with psycopg.connect(used_database, autocommit=True) as c:
        names = c.execute(
            """select string_agg(oid::regclass::text, ', ') from pg_class
                where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
                  and relname !~ 'yoyo|audit' -- which may not be emptied"""
        ).fetchone()
        assert names is not None
        c.execute(f"truncate {names[0]} restart identity cascade")
    return used_database


@pytest.fixture
def settings(database: str) -> DatabaseSettings:
    return DatabaseSettings(url=database, command_timeout=10)


@pytest.fixture
async def connection(settings: DatabaseSettings) -> AsyncIterator[Connection]:
    """A second connection, to look and to interfere with."""
    opened = await connect(settings, "test")
    yield opened
    await opened.close()


@pytest.fixture
def planted(database: str) -> Planted:
    return plant(database, gateways=[GATEWAY, "gw-2"])


def make_broker(folder: Path, kind: str) -> Broker:
    broker = Broker(folder / "broker", free_port(), kind=kind)
    broker.folder.mkdir(parents=True)
    hashed = mosquitto_hash(PASSWORD)
    broker.set_passwords(dict.fromkeys([DAEMON, GATEWAY, "gw-2"], hashed))
    return broker


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Broker]:
    """Mosquitto as in production: accounts for the daemon and two gateways."""
    if find_mosquitto() is None:
        pytest.skip("no mosquitto on this machine")
    broker = make_broker(tmp_path, "mosquitto")
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(params=["mosquitto", "embedded"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    """Each of the two brokers in turn."""
    if request.param == "mosquitto" and find_mosquitto() is None:
        pytest.skip("no mosquitto on this machine")
    one = make_broker(tmp_path, request.param)
    one.start()
    yield one
    one.stop()
