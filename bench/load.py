"""Publish readings over plain sockets with QoS 1: flat out with a window, or paced with the moment of sending as `at`.

Packets are made before the clock starts, so what is measured is never this. Each gateway has a connection of its own.
Run by bench/servers.py as a process; prints one JSON line when everything is acknowledged.
"""

import argparse
import json
import selectors
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

GATEWAYS = 20
SENSORS = 2000
ORGANIZATION = "bench"
WHOLE = "%Y-%m-%dT%H:%M:%SZ"
STAMP = "%Y-%m-%dT%H:%M:%S.%fZ"
_PLACE = b"0000-00-00T00:00:00.000000Z"
WINDOW = 200  # messages of one connection without their PUBACK
PUBACK_SIZE = 4  # MQTT 3.1.1 has no reason codes
LAST_ID = 65_535


@dataclass(frozen=True)
class Plan:
    """What is published. Reading i is of sensor i mod SENSORS, `step_ms` after the one before of the same sensor."""

    readings: int
    per_message: int = 1
    numbered: bool = False
    base_ms: int = 0
    step_ms: int = 1000
    rate: float = 0  # readings a second; 0 is flat out


def gateway_name(index: int) -> str:
    return f"gw-{index:04d}"


def serial(index: int) -> str:
    return f"a84041{index:010x}"


def _string(text: str | bytes) -> bytes:
    raw = text.encode() if isinstance(text, str) else text
    return len(raw).to_bytes(2, "big") + raw


def _length(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def connect_packet(user: str, password: str) -> bytes:
    body = _string("MQTT") + bytes([4, 0xC2]) + (60).to_bytes(2, "big") + _string(user) + _string(user)
    body += _string(password)
    return b"\x10" + _length(len(body)) + body


def publish_packet(topic: str, payload: bytes, packet_id: int) -> bytes:
    body = _string(topic) + packet_id.to_bytes(2, "big") + payload
    return b"\x32" + _length(len(body)) + body


def reading(index: int, at: bytes, seq: int) -> bytes:
    """The readings of a fridge that is well: what alarms cost is another measure's business."""
    sensor = index % SENSORS
    number = b',"seq":%d' % seq if seq else b""
    return (
        b'{"sensor":"%s","at":"%s","temperature":%.2f,"humidity":%.1f,"batteryPercent":%d,"rssi":%d%s}'
        % (serial(sensor).encode(), at, 1 + index * 7 % 350 / 100, 40 + index % 300 / 10, 30 + sensor % 70,
           -120 + index % 90, number)
    )  # fmt: skip


def packets(plan: Plan, gateway: int) -> Iterator[bytes]:
    """The packets of one gateway in order: every GATEWAYS-th message of the plan is its."""
    topic = f"frostguard/v1/{ORGANIZATION}/{gateway_name(gateway)}/readings"
    boot = b',"boot":"bench"' if plan.numbered else b""
    seq = 0
    for count, first in enumerate(range(gateway * plan.per_message, plan.readings, GATEWAYS * plan.per_message)):
        parts = []
        for index in range(first, min(first + plan.per_message, plan.readings)):
            seq += plan.numbered
            if plan.rate:
                at = _PLACE
            else:
                ms = plan.base_ms + index // SENSORS * plan.step_ms
                at = datetime.fromtimestamp(ms / 1000, UTC).strftime(WHOLE).encode()
            parts.append(reading(index, at, seq))
        alone = len(parts) == 1
        payload = parts[0][:-1] + boot + b"}" if alone else b'{"readings":[' + b",".join(parts) + b"]" + boot + b"}"
        yield publish_packet(topic, payload, count % LAST_ID + 1)


@dataclass
class Connection:
    """One gateway's connection. `places` are the offsets of the stamps inside each packet of a paced run."""

    sock: socket.socket
    packets: list[bytes]
    sent: int = 0
    acknowledged_bytes: int = 0
    rest: bytes = b""
    places: list[int] = field(default_factory=list)

    @property
    def acknowledged(self) -> int:
        return self.acknowledged_bytes // PUBACK_SIZE

    def take_acknowledgements(self) -> None:
        data = self.sock.recv(65_536)
        if not data:
            raise ConnectionError("the broker closed the connection")
        self.acknowledged_bytes += len(data)

    def fill(self) -> None:
        """Send as much as the window and the socket take."""
        while True:
            if not self.rest:
                room = min(WINDOW - (self.sent - self.acknowledged), len(self.packets) - self.sent)
                if room <= 0:
                    return
                self.rest = b"".join(self.packets[self.sent : self.sent + room])
                self.sent += room
            try:
                self.rest = self.rest[self.sock.send(self.rest) :]
            except BlockingIOError:
                return


def connect(port: int, password: str, gateway: int) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(connect_packet(gateway_name(gateway), password))
    answer = sock.recv(4)
    if answer[:1] != b"\x20" or answer[3]:
        raise ConnectionError(f"the broker refuses {gateway_name(gateway)}: {answer!r}")
    return sock


def flat_out(connections: list[Connection]) -> None:
    selector = selectors.DefaultSelector()
    for each in connections:
        each.sock.settimeout(0)
        selector.register(each.sock, selectors.EVENT_READ, each)
    waiting = set(range(len(connections)))
    for each in connections:
        each.fill()
    while waiting:
        for key, _ in selector.select(0.001 if any(c.rest for c in connections) else 1):
            key.data.take_acknowledgements()
        for index in list(waiting):
            each = connections[index]
            each.fill()
            if each.acknowledged == len(each.packets):
                waiting.discard(index)


def paced(connections: list[Connection], messages_per_second: float) -> None:
    """Send each message when it is due, stamped as it leaves."""
    total = sum(len(each.packets) for each in connections)
    started = time.monotonic()
    for count in range(total):
        each = connections[count % GATEWAYS]
        wait = started + count / messages_per_second - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        packet = each.packets[each.sent].replace(_PLACE, datetime.now(UTC).strftime(STAMP).encode())
        each.sock.sendall(packet)
        each.sent += 1
        if each.sent % 100 == 0:
            each.take_acknowledgements()
    for each in connections:
        while each.acknowledged < each.sent:
            each.take_acknowledgements()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--password", required=True)
    parser.add_argument("--plan", required=True, help="the fields of Plan as JSON")
    arguments = parser.parse_args()
    plan = Plan(**json.loads(arguments.plan))
    connections = [
        Connection(connect(arguments.port, arguments.password, gateway), list(packets(plan, gateway)))
        for gateway in range(GATEWAYS)
    ]
    started = time.monotonic()
    if plan.rate:
        paced(connections, plan.rate / plan.per_message)
    else:
        flat_out(connections)
    seconds = time.monotonic() - started
    print(json.dumps({"messages": sum(c.acknowledged for c in connections), "seconds": seconds}))


if __name__ == "__main__":
    main()
