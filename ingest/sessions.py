"""The sessions that several daemons have at the broker: made ahead, before another number of them starts, and removed.

`python -m ingest.sessions prepare 4` connects as each of four daemons, subscribes to what its organizations send, and
goes: from then on the broker keeps for each what it would have heard. `forget 1` has the broker drop the session of
the only daemon, and all that it holds. `frostguard shards` runs both, and knows when that is safe.
"""

import argparse
import asyncio
import secrets
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack

from frostguard.config import DatabaseSettings, MqttSettings, load
from frostguard.domain.shards import MOST, Shard
from frostguard.errors import FrostGuardError, UsageError
from frostguard.store.connection import Connection, abandon, connect
from ingest import mqtt
from ingest.clock import marker_topic
from ingest.fleet import Fleet
from ingest.mqtt import Session
from ingest.reader import Publish
from ingest.subscriptions import Subscriptions

SETTLE_SECONDS = 0.5  # within which a broker drops a session whose name another one has taken
ECHO_SECONDS = 5.0


async def prepare(connection: Connection, settings: MqttSettings, shards: int) -> None:
    """Make the sessions of so many daemons, with their subscriptions; those that there are stay, with what they hold.

    Raises BrokerUnavailableError, BrokerRefusedError, and UsageError where the broker takes them for one another.
    """
    async with AsyncExitStack() as stack:
        sessions = []
        for number in range(shards):
            shard = Shard(number, shards)
            ours, echo = settings.of_shard(shard), Echo(settings.of_shard(shard))
            session = Session(ours, echo.take)
            stack.push_async_callback(session.close)
            await session.connect()
            await session.subscribe(sorted(await _wanted(connection, shard, echo.topic)))
            if not session.session_present:  # else its backlog comes first, and it was heard before
                await echo.returns(session, ours)
            sessions.append(session)
        await asyncio.sleep(SETTLE_SECONDS)
        if any(session.lost.done() for session in sessions):
            raise UsageError(
                "the broker lets only one of the daemons stay connected: it takes the account for the client id; give "
                "each an account of its own, with {shard} behind the user in MQTT_URL"
            )


async def _wanted(connection: Connection, shard: Shard, marker: str) -> frozenset[str]:
    fleet = Fleet(shard)
    if shard.of > 1:
        await fleet.load(connection)
    return Subscriptions(fleet, marker).wanted()


class Echo:
    """Whether a session hears what it says: a broker may take a subscription and let nothing through to it.

    What comes is not acknowledged: the broker sends it again, to the daemon.
    """

    def __init__(self, settings: MqttSettings) -> None:
        self.topic = marker_topic(settings.client_id)
        self._token = secrets.token_bytes(8)
        self._heard = asyncio.Event()

    def take(self, messages: list[Publish]) -> None:
        """Look for our own message."""
        if any(message.payload == self._token for message in messages):
            self._heard.set()

    async def returns(self, session: Session, settings: MqttSettings) -> None:
        """Raises UsageError where nothing comes back."""
        session.publish(self.topic, self._token)
        try:
            await asyncio.wait_for(self._heard.wait(), ECHO_SECONDS)
        except TimeoutError:
            raise UsageError(
                f"the broker lets {settings.client_id} (account {settings.username}) not hear what it says: does its "
                "ACL have this account? `frostguard shards acl` prints one that has"
            ) from None


async def forget(settings: MqttSettings, shards: int) -> None:
    """Have the broker drop the sessions of so many daemons."""
    for number in range(shards):
        await mqtt.forget(settings.of_shard(Shard(number, shards)))


async def _run(what: str, shards: int) -> None:
    settings = load(MqttSettings)
    if what == "forget":
        await forget(settings, shards)
        return
    connection = await connect(load(DatabaseSettings), "frostguard-sessions")
    try:
        await prepare(connection, settings, shards)
    finally:
        abandon(connection)


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code: 0, 1 failure, 78 a setting is wrong."""
    parser = argparse.ArgumentParser("python -m ingest.sessions", description="Sessions of daemons at the broker.")
    parser.add_argument("what", choices=("prepare", "forget"))
    parser.add_argument("shards", type=int, choices=range(1, MOST + 1), metavar="N", help="how many daemons")
    given = parser.parse_args(arguments)
    try:
        mqtt.self_check()
        asyncio.run(_run(given.what, given.shards))
    except UsageError as error:
        print(f"frostguard: {error}", file=sys.stderr)
        return 78
    except FrostGuardError as error:
        print(f"frostguard: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
