"""The embedded broker: a front door that knows who may do what, and behind it iotcore (rumqttd), which moves messages.

iotcore speaks MQTT 3.1.1 and 5 on two ports, takes no new accounts while it runs and has no rules per user. So clients
meet one port here; their CONNECT is checked against the password file, sent on to the listener of its version under
the user's name as client id, and every PUBLISH and SUBSCRIBE after it is checked against mosquitto.acl. What comes back
is passed on unread. For one machine: binds to an address, has no TLS, keeps sessions only while it runs.
"""

import argparse
import asyncio
import contextlib
import logging
import secrets
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

from frostguard.config import LogSettings, load
from frostguard.errors import UsageError
from frostguard.gateway_passwords import matches
from frostguard.local.acl import Acl, read_acl
from frostguard.local.mqtt_packets import (
    CONNECT,
    PUBLISH,
    SUBSCRIBE,
    Connect,
    Frames,
    MalformedError,
    parse_connect,
    publish_topic,
    subscribe_filters,
)
from frostguard.local.ports import free_port
from frostguard.log import configure

CHUNK = 1 << 16
CONNECT_SECONDS = 10
LOOK_EVERY = 1.0  # seconds between looks whether a client's password still counts

# Segments hold what clients have not received yet: 64 of 16 MiB for each filter, then the oldest is dropped.
CONFIGURATION = """
id = 0
[router]
id = 0
max_connections = 10010
max_outgoing_packet_count = 200
max_segment_size = 16777216
max_segment_count = 64
{listeners}"""
LISTENER = """
[v{version}.1]
name = "v{version}"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
[v{version}.1.connections]
connection_timeout_ms = 10000
max_payload_size = 70000
max_inflight_count = 20000
dynamic_filters = true
[v{version}.1.connections.auth]
front-door = "{secret}"
"""

log = logging.getLogger("frostguard.broker")


class Passwords:
    """The password file (`user:hash` a line), read again when it has changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read_at = 0
        self._hashes: dict[str, str] = {}

    def admit(self, user: str | None, password: bytes | None) -> bool:
        """Tell whether this is the user's password."""
        stored = self.stored(user or "")
        return stored is not None and matches((password or b"").decode("utf-8", "replace"), stored)

    def stored(self, user: str) -> str | None:
        """Return the hash that counts now, None for whom there is none."""
        changed_at = self.path.stat().st_mtime_ns
        if changed_at != self._read_at:
            lines = (line.partition(":") for line in self.path.read_text().splitlines())
            self._hashes = {name: stored for name, _, stored in lines if stored}
            self._read_at = changed_at
        return self._hashes.get(user)


class Guest:
    """A client that is admitted: told to leave, it is gone when the broker behind has taken note of it."""

    def __init__(self, user: str, level: int) -> None:
        self.user = user
        self.level = level  # of MQTT: 4 or 5
        self.leave = asyncio.Event()
        self.gone = asyncio.Event()


class FrontDoor:
    """Admits clients and passes their packets to the broker behind."""

    def __init__(self, passwords: Passwords, acl: Acl, ports: dict[int, int], secret: str) -> None:
        self.passwords = passwords
        self.acl = acl
        self.ports = ports  # MQTT level (4 or 5) -> port behind
        self.secret = secret
        self._inside: dict[str, Guest] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one client from its first byte to its last."""
        try:
            await self._admit(reader, writer)
        except MalformedError as error:
            log.warning("client cut", extra={"reason": str(error)})
        except (OSError, TimeoutError) as error:
            log.debug("client gone", extra={"reason": str(error)})
        finally:
            await _close(writer)

    async def _admit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        frames, packets = Frames(), list[tuple[int, bytes, bytes]]()
        async with asyncio.timeout(CONNECT_SECONDS):
            while not packets:
                data = await _some(reader)
                if not frames.pending and data[0] >> 4 != CONNECT:
                    raise MalformedError("the first packet is not CONNECT")
                packets = list(frames.feed(data))
        _, body, _ = packets.pop(0)
        hello = parse_connect(body)
        user = hello.username
        if user is None or not self.passwords.admit(user, hello.password) or not self._will_allowed(user, hello):
            log.warning("client refused", extra={"user": user})
            writer.write(hello.refusal())
            await writer.drain()
            return
        guest = await self._enter(user, hello.level)
        try:
            behind = await asyncio.open_connection("127.0.0.1", self.ports[hello.level])
            try:
                behind[1].write(hello.rewritten(user, "front-door", self.secret))
                for packet in packets:
                    behind[1].write(self._checked(user, hello.level, *packet))
                await self._pass_on(guest, frames, (reader, writer), behind)
            finally:
                await _see_out(*behind)
        finally:
            guest.gone.set()
            if self._inside.get(user) is guest:
                del self._inside[user]

    async def _enter(self, user: str, level: int) -> Guest:
        """Take the place of an earlier connection of this user, once the broker behind knows that it has ended.

        iotcore takes the end of an earlier connection for the end of a later one if it hears of it later, and delivers
        nothing more to either.
        """
        guest, earlier = Guest(user, level), self._inside.get(user)
        self._inside[user] = guest
        if earlier is not None:
            earlier.leave.set()
            await earlier.gone.wait()
        return guest

    def _will_allowed(self, user: str, hello: Connect) -> bool:
        return hello.will_topic is None or self.acl.may_write(user, hello.will_topic)

    async def _pass_on(
        self,
        guest: Guest,
        frames: Frames,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        behind: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        """Move bytes both ways until either side ends."""
        user, level = guest.user, guest.level

        async def upwards() -> None:
            while True:
                data = await _some(client[0])
                behind[1].write(b"".join(self._checked(user, level, *packet) for packet in frames.feed(data)))
                await behind[1].drain()

        async def downwards() -> None:
            while True:
                client[1].write(await _some(behind[0]))
                await client[1].drain()

        async def admitted() -> None:
            stored = self.passwords.stored(user)
            while self.passwords.stored(user) == stored:  # noqa: ASYNC110 - a file tells nobody that it changed
                await asyncio.sleep(LOOK_EVERY)
            raise MalformedError(f"{user} has another password now, or none")

        async def alone() -> None:
            await guest.leave.wait()
            raise MalformedError(f"{user} has connected again")

        await _until_one_ends(upwards, downwards, admitted, alone)

    def _checked(self, user: str, level: int, kind: int, body: bytes, packet: bytes) -> bytes:
        """Return the packet, or raise MalformedError where the user may not send it."""
        if kind == PUBLISH:
            topic = publish_topic(body)  # empty: an alias, whose topic was checked when it was introduced
            if topic and not self.acl.may_write(user, topic):
                raise MalformedError(f"{user} may not publish to {topic}")
        elif kind == SUBSCRIBE:
            for topic_filter in subscribe_filters(body, level):
                if not self.acl.may_read(user, topic_filter):
                    raise MalformedError(f"{user} may not subscribe to {topic_filter}")
        return packet


async def _some(reader: asyncio.StreamReader) -> bytes:
    data = await reader.read(CHUNK)
    if not data:
        raise ConnectionResetError("the other side closed the connection")
    return data


async def _until_one_ends(*ways: Callable[[], Awaitable[None]]) -> None:
    tasks = [asyncio.ensure_future(way()) for way in ways]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _see_out(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """End a connection to the broker behind; it closes its side when it has taken note of the end."""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(2):
            writer.write_eof()
            while await reader.read(CHUNK):
                pass
    await _close(writer)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(1):
            await writer.wait_closed()


async def _run(address: tuple[str, int], folder: Path, passwords: Path, acl: Path) -> None:
    try:
        from iotcore import Broker  # noqa: PLC0415 - only a machine without Mosquitto needs the wheel
    except ImportError:
        raise UsageError("no broker: install Mosquitto, set MQTT_URL, or install the `local` extra") from None
    secret = secrets.token_urlsafe(24)
    ports = {4: free_port(), 5: free_port()}
    configuration = folder / "rumqttd.toml"
    configuration.touch(mode=0o600)
    configuration.write_text(
        CONFIGURATION.format(
            listeners="".join(
                LISTENER.format(version=version, port=port, secret=secret) for version, port in ports.items()
            )
        )
    )
    broker = Broker(config_path=str(configuration))
    await asyncio.to_thread(broker.start)
    try:
        door = FrontDoor(Passwords(passwords), read_acl(acl), ports, secret)
        server = await asyncio.start_server(door.serve, *address, limit=CHUNK, backlog=1000)
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        log.info("broker listens", extra={"address": address})
        while broker.is_running and not stop.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await stop.wait()
        server.close()
        if not stop.is_set():
            raise UsageError("the broker behind the front door ended by itself")
    finally:
        await asyncio.to_thread(broker.stop)


def main(arguments: list[str] | None = None) -> int:
    """Run the embedded broker until SIGTERM; 1 where it cannot start."""
    parser = argparse.ArgumentParser(prog="front_door", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="for its own configuration")
    parser.add_argument("--passwords", type=Path, required=True)
    parser.add_argument("--acl", type=Path, required=True)
    given = parser.parse_args(arguments)
    configure(load(LogSettings))
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run((given.host, given.port), given.folder, given.passwords, given.acl))
    except (UsageError, OSError) as error:
        log.error("broker stopped", extra={"reason": str(error)})  # noqa: TRY400 - the reason says all
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
