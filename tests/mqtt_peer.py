"""A gateway or a daemon of the tests: paho over a real connection, with waits instead of sleeps."""

import socket
import threading
import time
from types import TracebackType

import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

WAIT = 15


class Peer:
    """One client. `level` is 5 or 4 (MQTT 3.1.1); `keep` a session over connections; `manual` acknowledges nothing."""

    def __init__(
        self, port: int, user: str | None, password: str | None = "pw", *, level: int = 5, keep: bool = False, **more
    ):
        self.level, self.keep = level, keep
        self.received: list[tuple[str, bytes]] = []
        self.answers: dict[int, ReasonCode] = {}
        self.refused: str | None = None
        self.session_present = False
        self._news = threading.Condition()
        self._connected, self._lost, self._subscribed = threading.Event(), threading.Event(), threading.Event()
        self.client = paho.Client(
            paho.CallbackAPIVersion.VERSION2, client_id=more.get("client_id", user or ""), protocol=level,
            manual_ack=more.get("manual", False), reconnect_on_failure=False,
            **({} if level == 5 else {"clean_session": not keep}),
        )  # fmt: skip
        self.client.max_inflight_messages_set(500)
        if user is not None:
            self.client.username_pw_set(user, password)
        if will := more.get("will"):
            self.client.will_set(will, b"offline", 1)
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = self._on_disconnect
        self.client.on_message = self._on_message
        self.client.on_publish = self._on_publish
        self.client.on_subscribe = lambda *_: self._subscribed.set()
        self._connect(port, more.get("receive_maximum"))

    def _connect(self, port: int, receive_maximum: int | None) -> None:
        arguments = {}
        if self.level == 5:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = 86_400 if self.keep else 0
            if receive_maximum:
                properties.ReceiveMaximum = receive_maximum
            arguments = {"clean_start": not self.keep, "properties": properties}
        self.client.connect("127.0.0.1", port, **arguments)
        self.client.loop_start()
        assert self._connected.wait(WAIT), "no answer to CONNECT"

    def _on_connect(self, _client, _userdata, flags, reason, _properties) -> None:
        self.session_present = flags.session_present
        self.refused = str(reason) if reason.is_failure else None
        self._connected.set()

    def _on_disconnect(self, _client, _userdata, _flags, _reason, _properties) -> None:
        if not self._connected.is_set():
            self.refused = "cut"
            self._connected.set()
        self._lost.set()

    def _on_message(self, _client, _userdata, message) -> None:
        with self._news:
            self.received.append((message.topic, message.payload))
            self._news.notify_all()

    def _on_publish(self, _client, _userdata, mid, reason, _properties) -> None:
        with self._news:
            self.answers[mid] = reason
            self._news.notify_all()

    def subscribe(self, topic_filter: str) -> None:
        self._subscribed.clear()
        self.client.subscribe(topic_filter, 1)
        self._wait(lambda: self._subscribed.is_set() or self._lost.is_set(), "SUBACK")

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> ReasonCode | None:
        """Return the broker's answer; None where it cut us."""
        mid = self.client.publish(topic, payload, 1, retain).mid
        self._wait(lambda: mid in self.answers or self._lost.is_set(), "PUBACK")
        return self.answers.get(mid)

    def publish_many(self, topic: str, payloads: list[bytes]) -> None:
        wanted = {self.client.publish(topic, payload, 1).mid for payload in payloads}
        self._wait(lambda: wanted <= self.answers.keys(), "all PUBACKs")

    def wait_received(self, count: int) -> list[bytes]:
        self._wait(lambda: len(self.received) >= count, f"{count} messages")
        return [payload for _, payload in self.received]

    def wait_for(self, message: tuple[str, bytes]) -> None:
        """Wait until this message has come."""
        self._wait(lambda: message in self.received, f"{message}")

    def wait_lost(self) -> None:
        assert self._lost.wait(WAIT), "still connected"

    def _wait(self, condition, what: str) -> None:
        with self._news:
            # The threads of paho that set events do not notify: look again now and then.
            end = time.monotonic() + WAIT
            while not condition():
                assert time.monotonic() < end, f"did not come: {what}"
                self._news.wait(0.02)

    @property
    def lost(self) -> bool:
        return self._lost.is_set()

    def die(self) -> None:
        """Go without a word, as a killed process does."""
        connection = self.client.socket()
        connection.shutdown(socket.SHUT_RDWR)
        self.client.loop_stop()
        connection.close()

    def close(self) -> None:
        connection = self.client.socket()
        self.client.disconnect()
        self.client.loop_stop()
        if connection is not None:  # paho's thread may end before it closes it
            connection.close()

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
