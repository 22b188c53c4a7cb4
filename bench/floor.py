"""What the daemon is compared with: programs that only receive a backlog and acknowledge it by hand.

floor    aiomqtt as it comes: its own reader, its iterator, one acknowledgement a message
session  our Session (ingest/mqtt.py): its reader, the acknowledgements of a chunk joined
"""

import argparse
import asyncio
import json
import time

import aiomqtt
import uvloop
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from frostguard.config import MqttSettings, load
from ingest.mqtt import Session
from ingest.reader import Publish


async def bare(settings: MqttSettings, count: int) -> None:
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = settings.session_expiry
    properties.ReceiveMaximum = settings.receive_maximum
    client = aiomqtt.Client(
        settings.host,
        settings.port,
        identifier=settings.client_id,
        username=settings.username,
        password=settings.password,
        protocol=aiomqtt.ProtocolVersion.V5,
        clean_start=False,
        properties=properties,
    )
    inner = client._client
    inner.manual_ack_set(on=True)
    started = time.time()
    async with client:
        async for message in client.messages:
            inner.ack(message.mid, message.qos)
            count -= 1
            if not count:
                report(started)
                return


async def session(settings: MqttSettings, count: int) -> None:
    done = asyncio.Event()
    left = [count]

    def take(published: list[Publish]) -> None:
        ours.acknowledge([message.packet_id for message in published])
        left[0] -= len(published)
        if left[0] <= 0 and not done.is_set():
            report(started)
            done.set()

    ours = Session(settings, take)
    started = time.time()
    await ours.connect()
    await done.wait()
    await ours.close()


def report(started: float) -> None:
    """All is received and acknowledged: say how long it took since we began to connect."""
    print(json.dumps({"seconds": time.time() - started}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("which", choices=["floor", "session"])
    parser.add_argument("count", type=int)
    arguments = parser.parse_args()
    uvloop.run({"floor": bare, "session": session}[arguments.which](load(MqttSettings), arguments.count))


if __name__ == "__main__":
    main()
