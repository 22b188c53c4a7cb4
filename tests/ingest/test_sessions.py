"""Sessions for daemons that do not run yet: what the broker keeps for them, and what it refuses."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from frostguard.cli.shards import with_accounts
from frostguard.config import MqttSettings
from frostguard.domain.shards import Shard
from frostguard.errors import UsageError
from frostguard.gateway_passwords import mosquitto_hash
from frostguard.local import broker as brokers
from frostguard.local.broker import DAEMON, Broker
from frostguard.store.connection import Connection
from ingest import sessions
from tests.factories import GATEWAY, payload_of, plant, raw_reading, topic_of
from tests.ingest.conftest import make_broker
from tests.ingest.rig import PASSWORD, gateway, listening

SHARDS = [Shard(0, 2), Shard(1, 2)]


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    """Mosquitto with accounts for two daemons."""
    acl = tmp_path / "acl"
    acl.write_text(with_accounts(brokers.ACL.read_text(), 2))
    monkeypatch.setattr(brokers, "ACL", acl)
    one = make_broker(tmp_path, "mosquitto")
    users = [DAEMON, *(DAEMON + shard.suffix for shard in SHARDS), GATEWAY, "gw-2"]
    one.set_passwords(dict.fromkeys(users, mosquitto_hash(PASSWORD)))
    one.start()
    yield one
    one.stop()


def settings_of(broker: Broker, user: str = DAEMON + "{shard}") -> MqttSettings:
    return MqttSettings(url=f"mqtt://{user}:{PASSWORD}@127.0.0.1:{broker.port}", client_id=DAEMON)


@pytest.fixture
def two(database: str) -> None:
    """An organization for each of two shards, with the gateways `gw-1` and `gw-2`."""
    for number, (slug, name) in enumerate((("acme", GATEWAY), ("zebra", "gw-2"))):
        planted = plant(database, slug, gateways=[], sensors=[])
        with psycopg.connect(database) as c:
            c.execute("delete from areas where id = %s", (planted.area,))
            c.execute("delete from sites where organization_id = %s", (planted.organization,))
            key = UUID(int=number)
            c.execute("update organizations set id = %s where id = %s", (key, planted.organization))
            c.execute("insert into gateways (organization_id, serial, name) values (%s, %s, %s)", (key, name, name))


@pytest.mark.usefixtures("two")
async def test_what_is_sent_before_a_daemon_starts_waits_for_the_one_whose_it_is(
    shared: Broker, connection: Connection
) -> None:
    settings = settings_of(shared)
    await sessions.prepare(connection, settings, 2)
    await sessions.prepare(connection, settings, 2)  # once more changes nothing
    sent = {}
    for slug, name in (("acme", GATEWAY), ("zebra", "gw-2")):
        topic = topic_of(gateway=name, organization=slug)
        async with gateway(shared, name) as client:
            sent[topic] = payload_of(raw_reading(0, name))
            await client.publish(topic.decode(), sent[topic], qos=1)
    for shard, (topic, payload) in zip(SHARDS, sent.items(), strict=True):
        async with listening(settings.of_shard(shard)) as inbox:
            assert inbox.session.session_present
            await inbox.holds(2)  # what it said to itself, and the reading
            assert [(m.topic, m.payload) for m in inbox.messages[1:]] == [(topic, payload)]


@pytest.mark.usefixtures("two")
async def test_a_session_that_is_forgotten_is_gone(shared: Broker, connection: Connection) -> None:
    settings = settings_of(shared)
    await sessions.prepare(connection, settings, 2)
    await sessions.forget(settings, 2)
    async with listening(settings.of_shard(SHARDS[0])) as inbox:
        assert not inbox.session.session_present


async def test_daemons_that_the_broker_takes_for_one_another_are_refused(
    shared: Broker, connection: Connection
) -> None:
    with pytest.raises(UsageError, match="account of its own"):
        await sessions.prepare(connection, settings_of(shared, DAEMON), 2)


async def test_an_account_that_the_acl_does_not_know_is_refused(
    shared: Broker, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "ECHO_SECONDS", 0.3)
    shared.set_passwords({f"{DAEMON}{Shard(n, 3).suffix}": mosquitto_hash(PASSWORD) for n in range(3)})
    with pytest.raises(UsageError, match="shards acl"):
        await sessions.prepare(connection, settings_of(shared), 3)
