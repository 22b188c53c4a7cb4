"""What the tests of the daemon share: settings, a gateway that publishes, a session that remembers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiomqtt

from frostguard.config import DatabaseSettings, IngestSettings, MqttSettings
from frostguard.local.broker import DAEMON, Broker
from ingest.daemon import Daemon, Settings
from ingest.health import Health
from ingest.mqtt import Session
from ingest.reader import Publish
from tests.factories import GATEWAY
from tests.fakes import until

PASSWORD = "of-the-tests"


def mqtt_settings(broker: Broker, **changes: object) -> MqttSettings:
    url = f"mqtt://{DAEMON}:{PASSWORD}@127.0.0.1:{broker.port}"
    return MqttSettings(**({"url": url, "client_id": DAEMON} | changes))


@contextlib.asynccontextmanager
async def gateway(broker: Broker, name: str = GATEWAY) -> AsyncIterator[aiomqtt.Client]:
    """A gateway that is connected."""
    async with aiomqtt.Client(
        "127.0.0.1", broker.port, username=name, password=PASSWORD, identifier=name,
        protocol=aiomqtt.ProtocolVersion.V5,
    ) as client:  # fmt: skip
        yield client


@contextlib.asynccontextmanager
async def daemon_of(url: str, mqtt: MqttSettings, folder: Path) -> AsyncIterator[tuple[Daemon, Health]]:
    """A daemon in this process, which may not be ready yet; it is stopped in order."""
    ingest = IngestSettings(port=0, ready_file=folder / "ready", batch_ms=1)
    health = Health(ingest)
    daemon = Daemon(Settings(DatabaseSettings(url=url, command_timeout=5), mqtt, ingest), health)
    await health.start()
    task = asyncio.create_task(daemon.run())
    try:
        yield daemon, health
        daemon.stop()
        async with asyncio.timeout(10):
            await task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, BaseExceptionGroup):
            await task
        await health.stop()


class Inbox:
    """A session and what it took."""

    def __init__(self, settings: MqttSettings) -> None:
        self.messages: list[Publish] = []
        self.session = Session(settings, self.messages.extend)

    @property
    def payloads(self) -> list[bytes | None]:
        return [message.payload for message in self.messages]

    @property
    def packet_ids(self) -> list[int]:
        return [message.packet_id for message in self.messages]

    async def holds(self, count: int) -> None:
        await until(lambda: len(self.messages) >= count, f"{count} messages, there are {len(self.messages)}")

    async def acknowledge(self, packet_ids: list[int]) -> None:
        """Acknowledge, and wait until the broker has read it: what follows on the wire has been answered.

        A connection that is closed right behind its last PUBACKs may take them along; that is harmless, and no test.
        """
        self.session.acknowledge(packet_ids)
        self.session.publish("frostguard/v1/acme/gw-1/committed", b"")
        await until(lambda: self.session.unsent == 0, "the broker has read our acknowledgements")


@contextlib.asynccontextmanager
async def listening(settings: MqttSettings) -> AsyncIterator[Inbox]:
    """A session that is connected and subscribed; closed in order at the end."""
    inbox = Inbox(settings)
    try:
        await inbox.session.connect()
        async with asyncio.timeout(10):
            await inbox.session.subscribe()
        yield inbox
    finally:
        await inbox.session.close()
