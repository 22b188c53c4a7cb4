"""One MQTT 5 connection: connects, reconnects with back-off, sends within a window, hands PUBACKs and messages on.

A new client object for each connection: packet ids of an old one are poison. aiomqtt keeps the connection, the will,
the subscriptions and the keep-alive; PUBLISH and PUBACK take the short way of `firmware_sim.frames`, because the
library's own costs several times as much as making the reading. The private names that this needs are all in here.
"""

import asyncio
import contextlib
import random
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import aiomqtt
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from firmware_sim import frames
from firmware_sim.tally import Tally

_SHORTEST_WAIT, _LONGEST_WAIT, _REFUSED_WAIT = 0.2, 30.0, 5.0  # seconds
_CHUNK = 1 << 16
_PUBLISH = 0x30
_SUBSCRIBE_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is. `tls` is None for plain TCP."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    keepalive: int = 30


@dataclass(frozen=True, slots=True)
class Login:
    """Who we are; `identifier` is the MQTT client id."""

    identifier: str
    username: str | None
    password: str | None


class Rider(Protocol):
    """Somebody who sends through a link. All calls come from the event loop."""

    @property
    def listens_to(self) -> str | None:
        """The topic to subscribe to, if any."""

    def will(self) -> tuple[str, bytes]:
        """Topic and payload of the retained last will."""

    def connected(self) -> None:
        """A connection stands; nothing that was sent before counts."""

    def disconnected(self) -> None:
        """The connection is gone, and the answers to what was in flight with it."""

    def offer(self) -> "tuple[bytes, bytes, object] | None":
        """The next message: topic field, payload and a token for `settled` (None: it is retained).

        None when there is nothing to send.
        """

    def settled(self, token: object, sent_at: float, reason: int) -> None:
        """The broker's answer to a message; `sent_at` is of time.monotonic()."""

    def heard(self, payload: bytes) -> None:
        """A message on `listens_to`."""


class _Tap:
    """A socket that reads much at once, takes our PUBACKs out and serves the rest to the library in small pieces."""

    def __init__(self, sock: socket.socket, on_acks: Callable[[list[frames.Ack]], None]) -> None:
        self._sock, self._on_acks, self._filter = sock, on_acks, frames.AckFilter()
        self._ready, self._at = b"", 0

    def recv(self, size: int) -> bytes:
        if self._at >= len(self._ready):
            data = self._sock.recv(_CHUNK)
            if not data:
                return b""
            acks, self._ready = self._filter.feed(data)
            self._at = 0
            if acks:
                self._on_acks(acks)
            if not self._ready:
                raise BlockingIOError  # nothing for the library
        piece = self._ready[self._at : self._at + size]
        self._at += len(piece)
        return piece

    def pending(self) -> int:
        """What can be read without waiting: aiomqtt asks before it goes back to the event loop."""
        below = self._sock.pending() if isinstance(self._sock, ssl.SSLSocket) else 0
        return len(self._ready) - self._at + below

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - it stands for a socket
        return getattr(self._sock, name)


class Link:
    """A connection for one gateway, or shared by several (then without a last will)."""

    def __init__(self, broker: Broker, login: Login, window: int, tally: Tally, report: Callable[[str], None]) -> None:
        self._broker, self._login, self._window, self._tally, self._report = broker, login, window, tally, report
        self.riders: list[Rider] = []
        self._listeners: dict[str, Rider] = {}
        self._client: aiomqtt.Client | None = None
        self._room = window
        self._in_flight: dict[int, tuple[Rider, object, float]] = {}
        self._wanting: dict[int, Rider] = {}
        self._next_id = frames.FIRST_ID
        self._pump_due = False
        self._closing = False
        self._dark_until = 0.0
        self._wake = asyncio.Event()  # set: look again whether to end, to wait or to go on

    @property
    def up(self) -> bool:
        """Whether a connection stands."""
        return self._client is not None

    @property
    def in_flight(self) -> int:
        """Messages without an answer."""
        return len(self._in_flight)

    def board(self, rider: Rider) -> None:
        """Add a rider before `run`."""
        self.riders.append(rider)
        if rider.listens_to:
            self._listeners[rider.listens_to] = rider

    def want(self, rider: Rider) -> None:
        """The rider has something to send; it will be asked within this turn of the event loop."""
        self._wanting[id(rider)] = rider
        if not self._pump_due and self._client is not None:
            self._pump_due = True
            asyncio.get_running_loop().call_soon(self._pump)

    def drop(self, dark_seconds: float = 0.0) -> None:
        """Lose the connection as in a power cut (no DISCONNECT), and stay away for so long."""
        self._dark_until = max(self._dark_until, time.monotonic() + dark_seconds)
        if self._client is not None:
            self._client._client._sock_close()  # noqa: SLF001 - nothing public closes without a DISCONNECT
        self._wake.set()

    def resume(self) -> None:
        """End the absence that `drop` began."""
        self._dark_until = 0.0
        if not self.up:
            self._wake.set()

    def close(self) -> None:
        """End `run` with a DISCONNECT."""
        self._closing = True
        self._wake.set()

    async def run(self) -> None:
        """Be connected until `close`."""
        failures, least, most = 0, 0.0, 0.0
        # Jitter, so that a fleet does not come back in one moment.
        while await self._rest(random.uniform(least, most)):  # noqa: S311 - spread, not secrets
            self._wake.clear()
            try:
                await self._session()
                failures, least, most = 0, 0.0, _SHORTEST_WAIT
            except aiomqtt.MqttError as error:
                failures += 1
                self._report(f"{self._login.identifier}: {error}")
                least = _REFUSED_WAIT if isinstance(error, MqttConnectError) else 0.0
                most = max(2 * least, min(_LONGEST_WAIT, _SHORTEST_WAIT * 2 ** min(failures, 10)))

    async def _rest(self, seconds: float) -> bool:
        """Wait so long, and until a power cut is over; False when it is time to close instead."""
        until = time.monotonic() + seconds
        while not self._closing and (left := max(until, self._dark_until) - time.monotonic()) > 0:
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), min(left, _LONGEST_WAIT))
        return not self._closing

    async def _session(self) -> None:
        """One connection from CONNECT to its end. Raises MqttError when it cannot be made."""
        client = self._make_client()
        try:
            await client.__aenter__()
            await self._subscribe(client)
            if client._disconnected.done():  # noqa: SLF001
                return
            self._begin(client)
            await self._until_over(client)
            if self._closing and not client._disconnected.done():  # noqa: SLF001
                await client.__aexit__(None, None, None)
        finally:
            self._end(client)

    def _begin(self, client: aiomqtt.Client) -> None:
        self._client = client
        self._tally.connects += 1
        for rider in self.riders:
            rider.connected()
            self.want(rider)

    def _end(self, client: aiomqtt.Client) -> None:
        lost = client._disconnected  # noqa: SLF001
        if lost.done() and not lost.cancelled():
            lost.exception()  # seen: otherwise asyncio complains when it is forgotten
        client._client._sock_close()  # noqa: SLF001 - aiomqtt leaves the socket open after an unexpected end
        if self._client is None:
            return
        self._client = None
        self._in_flight.clear()
        self._tally.connections_lost += not self._closing
        for rider in self.riders:
            rider.disconnected()

    async def _until_over(self, client: aiomqtt.Client) -> None:
        woken = asyncio.create_task(self._wake.wait(), name="link-wake")
        try:
            over: set[asyncio.Future[Any]] = {client._disconnected, woken}  # noqa: SLF001
            await asyncio.wait(over, return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        topics = [(topic, 1) for topic in self._listeners]
        for at in range(0, len(topics), _SUBSCRIBE_AT_ONCE):
            await client.subscribe(topics[at : at + _SUBSCRIBE_AT_ONCE])

    def _make_client(self) -> aiomqtt.Client:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.MaximumPacketSize = 1 << 16
        will = None
        if len(self.riders) == 1:
            topic, payload = self.riders[0].will()
            will = aiomqtt.Will(topic, payload, qos=1, retain=True)
        client = aiomqtt.Client(
            self._broker.host,
            self._broker.port,
            username=self._login.username,
            password=self._login.password,
            identifier=self._login.identifier,
            protocol=aiomqtt.ProtocolVersion.V5,
            clean_start=True,
            keepalive=self._broker.keepalive,
            properties=properties,
            tls_context=self._broker.tls,
            will=will,
        )
        self._take_over(client)
        return client

    def _take_over(self, client: aiomqtt.Client) -> None:
        inner: Any = client._client  # noqa: SLF001
        create_socket, on_connect = inner._create_socket, inner.on_connect  # noqa: SLF001

        def connected(paho: Any, data: Any, flags: Any, reason: Any, properties: Any = None) -> None:  # noqa: ANN401
            self._room = min(self._window, getattr(properties, "ReceiveMaximum", frames.LAST_ID - frames.FIRST_ID))
            on_connect(paho, data, flags, reason, properties)

        inner._create_socket = lambda: _Tap(create_socket(), self._acknowledged)  # noqa: SLF001
        inner.on_connect = connected
        inner.on_message = self._on_message

    def _on_message(self, _client: object, _data: object, message: Any) -> None:  # noqa: ANN401
        rider = self._listeners.get(message.topic)
        if rider is not None:
            rider.heard(message.payload)

    def _acknowledged(self, acks: list[frames.Ack]) -> None:
        for ack in acks:
            found = self._in_flight.pop(ack.packet_id, None)
            if found:
                rider, token, sent_at = found
                rider.settled(token, sent_at, ack.reason)
        if self._wanting and not self._pump_due:
            self._pump_due = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self) -> None:
        """Send while there is room, one message of each rider in turn, all in one write."""
        self._pump_due = False
        if self._client is None:
            return
        now, out = time.monotonic(), []
        while self._wanting and len(self._in_flight) < self._room:
            key = next(iter(self._wanting))
            rider = self._wanting.pop(key)
            message = rider.offer()
            if message is None:
                continue
            topic, payload, token = message
            packet_id = self._packet_id()
            self._in_flight[packet_id] = (rider, token, now)
            out.append(frames.publish(topic, payload, packet_id, retain=token is None))
            self._wanting[key] = rider
        self._write(out)

    def _packet_id(self) -> int:
        while self._next_id in self._in_flight:
            self._next_id = self._next_id + 1 if self._next_id < frames.LAST_ID else frames.FIRST_ID
        found = self._next_id
        self._next_id = found + 1 if found < frames.LAST_ID else frames.FIRST_ID
        return found

    def _write(self, out: list[bytes]) -> None:
        if self._client is None or not out:
            return
        self._tally.messages += len(out)
        inner: Any = self._client._client  # noqa: SLF001
        data = b"".join(out)
        # Pieces, because the library copies what is left of a packet at each short write.
        for at in range(0, len(data), _CHUNK):
            inner._packet_queue(_PUBLISH, data[at : at + _CHUNK], 0, 1)  # noqa: SLF001
