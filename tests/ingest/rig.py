"""What the tests of the daemon share: settings, a gateway that publishes, a session that remembers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import aiomqtt

from frostguard.config import MqttSettings
from frostguard.local.broker import DAEMON, Broker
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
