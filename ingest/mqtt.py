"""One MQTT 5 session: messages come in by callback, acknowledgements go out when told; the only importer of aiomqtt.

aiomqtt 2.5 has no public way to acknowledge after the commit, and its reader costs 12 to 33 µs a message. So this
module touches private names of aiomqtt and of the paho client inside it (both pinned exactly; `self_check` proves at
start that the names are there):

* `manual_ack_set(True)` keeps paho from acknowledging anything by itself;
* `loop_read` of the inner client is replaced by ours: it reads the socket through a large buffer, takes the PUBLISH
  packets off (ingest/reader.py) and hands every other packet back to paho, byte for byte;
* the PUBACKs of a batch are joined and queued as one piece of paho's own output queue, so that they can never land
  inside another packet and a full socket is paho's business.

A Session is one connection. It is never re-entered: packet ids of an old connection are poison on a new one.
"""

import asyncio
import contextlib
import logging
import math
import ssl
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, cast

import aiomqtt
from aiomqtt.client import Client
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.exception import MalformedPacket
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from frostguard.config import MqttSettings
from frostguard.errors import FrostGuardError, UsageError
from frostguard.wire.topics import SUBSCRIPTIONS
from ingest.reader import Other, ProtocolError, Publish, Reader

log = logging.getLogger("ingest.mqtt")

CHUNK = 262_144  # bytes that one turn of the event loop takes off the socket at most
CONNECT_SECONDS = 10
CLOSE_SECONDS = 3
AT_ONCE = 100  # topics in one packet: about ten kilobytes
_PUBACK = b"\x40\x02"
_PRIVATE_NAMES = (
    "_sock", "_sock_close", "_in_packet", "_packet_handle", "_packet_queue", "_loop_rc_handle", "_msgtime_mutex",
    "_last_bytes_received", "_out_messages",
)  # fmt: skip


class BrokerUnavailableError(FrostGuardError):
    """No connection, or it was lost. Try again with a new Session."""


class BrokerRefusedError(FrostGuardError):
    """The broker answered no: wrong credentials, not authorised. Trying again soon changes nothing."""


def self_check() -> None:
    """Prove that the private names this module stands on exist. Raises UsageError that names what is missing."""
    inner = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    missing = [name for name in (*_PRIVATE_NAMES, "manual_ack_set", "ack", "loop_read") if not hasattr(inner, name)]
    missing += [name for name in ("_on_connect", "_on_disconnect", "_on_socket_open") if not hasattr(Client, name)]
    made = Client.__init__.__code__.co_names  # an instance would want a running loop
    missing += [name for name in ("_client", "_connected", "_disconnected") if name not in made]
    if missing:
        raise UsageError(f"this aiomqtt/paho-mqtt lacks {', '.join(missing)}: install the versions of the lock file")


def tls_context(settings: MqttSettings) -> ssl.SSLContext | None:
    """Return the context for mqtts://, None for mqtt://. Raises UsageError for a file that cannot be used."""
    if not settings.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if settings.cert_file:
            context.load_cert_chain(settings.cert_file, settings.key_file)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"MQTT_CA_FILE, MQTT_CERT_FILE or MQTT_KEY_FILE: {error}") from None
    return context


class Session:
    """One connection to the broker.

    `take(messages)` is called with what came in, in order of arrival, on the event loop; it must not block. `lost` is
    done when the connection is gone. `session_present` is False when the broker had lost our backlog.
    """

    def __init__(self, settings: MqttSettings, take: Callable[[list[Publish]], None]) -> None:
        self._settings = settings
        self._take = take
        self._reader = Reader()
        self._paused = False
        self._loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[None] = self._loop.create_future()
        self.session_present = False
        self._client: Any = Client(
            settings.host,
            settings.port,
            identifier=settings.client_id,
            username=settings.username,
            password=settings.password,
            protocol=aiomqtt.ProtocolVersion.V5,
            clean_start=False,
            keepalive=settings.keepalive,
            properties=_connect_properties(settings),
            tls_context=tls_context(settings),
            timeout=CONNECT_SECONDS,
            logger=logging.getLogger("ingest.mqtt.client"),
        )
        # A connection that ends as it begins has its end replaced unseen.
        self._client._disconnected.add_done_callback(_look_at)
        self._inner = cast("Any", self._client._client)
        self._inner.manual_ack_set(on=True)
        self._inner.loop_read = self._read
        self._inner.on_socket_register_write = self._want_write
        self._chain("on_connect", self._connected)
        self._chain("on_disconnect", self._disconnected)

    async def connect(self) -> None:
        """Connect. The backlog of an old session begins to arrive before this returns.

        Raises BrokerUnavailableError or BrokerRefusedError; the session is of no use then.
        """
        try:
            await self._client.__aenter__()
        except MqttConnectError as error:
            self.abort()
            raise BrokerRefusedError(str(error)) from None
        except aiomqtt.MqttError as error:
            self.abort()
            raise BrokerUnavailableError(str(error)) from None
        except BaseException:
            self.abort()
            raise

    async def subscribe(self, subscriptions: Sequence[str] = SUBSCRIPTIONS) -> None:
        """Subscribe; an old session is subscribed already, and repeating it changes nothing.

        The answer comes behind the backlog, so there is no bound but the connection's life.
        Raises BrokerUnavailableError or BrokerRefusedError.
        """
        for first in range(0, len(subscriptions), AT_ONCE):
            await self._answered(self._subscribe(subscriptions[first : first + AT_ONCE]))

    async def unsubscribe(self, subscriptions: Sequence[str]) -> None:
        """Take subscriptions back; what is queued of them still comes. Raises BrokerUnavailableError."""
        for first in range(0, len(subscriptions), AT_ONCE):
            part = list(subscriptions[first : first + AT_ONCE])
            await self._answered(self._client.unsubscribe(part, timeout=math.inf))

    async def _answered(self, asking: Coroutine[Any, Any, None]) -> None:
        asked = asyncio.create_task(asking)
        try:
            await asyncio.wait([asked, self.lost], return_when=asyncio.FIRST_COMPLETED)
            if not asked.done():  # aiomqtt would wait for ever
                raise BrokerUnavailableError("the connection was lost before the subscriptions were confirmed")
            asked.result()
        except aiomqtt.MqttError as error:
            raise BrokerUnavailableError(str(error)) from None
        finally:
            asked.cancel()

    async def _subscribe(self, patterns: Sequence[str]) -> None:
        codes = await self._client.subscribe([(each, _options(each)) for each in patterns], timeout=math.inf)
        for pattern, code in zip(patterns, codes, strict=False):
            if (code if isinstance(code, int) else code.value) >= 0x80:
                raise BrokerRefusedError(f"subscription to {pattern}: {code}")

    def acknowledge(self, packet_ids: Sequence[int]) -> None:
        """Send the PUBACKs of messages whose readings are committed, in order of arrival.

        On a lost session it does nothing: the broker sends the messages again, and that is harmless.
        """
        if not packet_ids or self.lost.done():
            return
        joined = _PUBACK + _PUBACK.join([packet_id.to_bytes(2, "big") for packet_id in packet_ids])
        self._inner._packet_queue(paho.PUBACK, joined, packet_ids[-1], 1)

    def publish(self, topic: str, payload: bytes) -> None:
        """Send one message with QoS 1; it is queued where the window is full, and lost with the connection."""
        if not self.lost.done():
            self._inner.publish(topic, payload, qos=1)

    @property
    def unsent(self) -> int:
        """Messages that we published and the broker has not acknowledged."""
        return len(self._inner._out_messages)

    def pause(self) -> None:
        """Stop reading the socket: TCP carries the pressure back to the broker."""
        if not self._paused and not self.lost.done() and (sock := self._inner.socket()) is not None:
            self._loop.remove_reader(sock.fileno())
            self._paused = True

    def resume(self) -> None:
        """Read again."""
        if not self._paused:
            return
        self._paused = False
        sock = self._inner.socket()
        if sock is not None and not self.lost.done():
            self._loop.add_reader(sock.fileno(), self._resumed_read)
            # What TLS has decoded already makes no socket readable.
            self._loop.call_soon(self._resumed_read)

    async def close(self) -> None:
        """Disconnect in order; give up after a few seconds."""
        self.resume()
        with contextlib.suppress(aiomqtt.MqttError, TimeoutError, ValueError):
            await asyncio.wait_for(self._client.__aexit__(None, None, None), CLOSE_SECONDS)
        self.abort()
        _look_at(self._client._disconnected)

    def abort(self) -> None:
        """Drop the connection at once."""
        self._inner._sock_close()
        self._set_lost()

    # --- called by paho, on the event loop (`on_connect` and `on_disconnect` too: we hand it the packets there)

    def _chain(self, name: str, ours: Callable[..., None]) -> None:
        theirs = getattr(self._inner, name)

        def both(*arguments: Any) -> None:
            ours(*arguments)
            theirs(*arguments)

        setattr(self._inner, name, both)

    def _connected(self, _client: object, _userdata: object, flags: Any, *_: object) -> None:
        self.session_present = bool(flags.session_present)

    def _disconnected(self, _client: object, _userdata: object, _flags: object, reason: object, *_: object) -> None:
        log.debug("disconnected", extra={"reason": str(reason)})
        self._set_lost()

    def _set_lost(self) -> None:
        if self.lost.done():
            return
        self.lost.set_result(None)
        greeted = self._client._connected
        if not greeted.done():  # aiomqtt would wait for the answer until its time is over
            greeted.set_exception(aiomqtt.MqttError("the connection was lost before the broker answered"))
            _look_at(greeted)

    def _want_write(self, _client: object, _userdata: object, sock: Any) -> None:
        """Called by paho, while it connects also from a thread, when it has something to send."""
        self._loop.call_soon_threadsafe(self._start_writing, sock)

    def _start_writing(self, sock: Any) -> None:
        if self._inner._sock is sock and sock.fileno() >= 0:  # not closed since
            self._loop.add_writer(sock.fileno(), self._write)

    def _write(self) -> None:
        try:
            self._inner.loop_write()
        except Exception:
            log.exception("writing to the broker failed")
            self.abort()

    def _resumed_read(self) -> None:
        try:
            while self._read() == MQTTErrorCode.MQTT_ERR_SUCCESS and self._pending() and not self._paused:
                pass
        except Exception:
            log.exception("reading from the broker failed")
            self.abort()

    def _pending(self) -> int:
        sock = self._inner._sock
        return sock.pending() if sock is not None and hasattr(sock, "pending") else 0

    def _read(self, _max_packets: int = 1) -> MQTTErrorCode:
        """Stand in for paho's loop_read: one chunk off the socket, PUBLISH to `take`, the rest to paho."""
        inner = self._inner
        sock = inner._sock
        if sock is None or self._paused:  # a late callback of the event loop
            return MQTTErrorCode.MQTT_ERR_NO_CONN if sock is None else MQTTErrorCode.MQTT_ERR_SUCCESS
        try:
            data = sock.recv(CHUNK)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        except OSError:
            data = b""
        if not data:
            return self._failed(MQTTErrorCode.MQTT_ERR_CONN_LOST)
        with inner._msgtime_mutex:
            inner._last_bytes_received = time.monotonic()
        try:
            published, others = self._reader.feed(data)
        except ProtocolError as error:
            log.warning("the broker does not speak MQTT 5", extra={"detail": str(error)})
            return self._failed(MQTTErrorCode.MQTT_ERR_PROTOCOL)
        result = self._handle(published, others)
        return self._failed(result) if result > 0 else result

    def _handle(self, published: list[Publish], others: list[Other]) -> MQTTErrorCode:
        try:
            if published:
                self._take(published)
            for packet in others:
                result = _hand_back(self._inner, packet)
                if result > 0:
                    return result
        except Exception:
            # What was not taken must come again, and what paho choked on left it in no known state.
            log.exception("a packet of the broker could not be handled")
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _failed(self, code: MQTTErrorCode) -> MQTTErrorCode:
        result: MQTTErrorCode = self._inner._loop_rc_handle(code)
        self._set_lost()
        return result


def _look_at(ended: asyncio.Future[None]) -> None:
    """Take note of how a connection ended, or asyncio complains of it at every lost one."""
    if ended.done() and not ended.cancelled():
        ended.exception()


def _hand_back(inner: Any, packet: Other) -> MQTTErrorCode:
    """Let paho handle a packet as if it had read it itself."""
    inner._in_packet = {
        "command": packet.command,
        "have_remaining": 1,
        "remaining_count": [],
        "remaining_mult": 1,
        "remaining_length": len(packet.body),
        "packet": bytearray(packet.body),
        "to_process": 0,
        "pos": 0,
    }
    try:
        result: MQTTErrorCode = inner._packet_handle()
    except MalformedPacket:
        return MQTTErrorCode.MQTT_ERR_PROTOCOL
    finally:
        inner._in_packet = {
            "command": 0,
            "have_remaining": 0,
            "remaining_count": [],
            "remaining_mult": 1,
            "remaining_length": 0,
            "packet": bytearray(b""),
            "to_process": 0,
            "pos": 0,
        }
    return result


def _options(pattern: str) -> SubscribeOptions:
    # Retained messages are wanted of status topics only; elsewhere they are somebody's mistake, shown as such.
    handling = 0 if pattern.endswith("/status") else 2
    return SubscribeOptions(qos=1, retainAsPublished=True, retainHandling=handling)


async def forget(settings: MqttSettings) -> None:
    """Have the broker drop the session of this client id, and everything that it holds.

    Raises BrokerUnavailableError or BrokerRefusedError.
    """
    properties: Any = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 0
    client = Client(
        settings.host, settings.port, identifier=settings.client_id, username=settings.username,
        password=settings.password, protocol=aiomqtt.ProtocolVersion.V5, clean_start=True, properties=properties,
        tls_context=tls_context(settings), timeout=CONNECT_SECONDS,
    )  # fmt: skip
    try:
        async with client:
            pass
    except MqttConnectError as error:
        raise BrokerRefusedError(str(error)) from None
    except aiomqtt.MqttError as error:
        raise BrokerUnavailableError(str(error)) from None


def _connect_properties(settings: MqttSettings) -> Any:
    properties: Any = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = settings.session_expiry
    properties.ReceiveMaximum = settings.receive_maximum
    return properties
