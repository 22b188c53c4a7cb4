"""From messages to the open batch: route, decode, look up, check the clock, or dead-letter with a reason.

Everything here is synchronous and runs as the bytes come off the socket: every reading costs microseconds and nothing
waits. Nothing is dropped because of a bound: when the open batch is full, the session stops reading.
"""

import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from frostguard.config import IngestSettings
from frostguard.domain.reading import Reading
from frostguard.errors import PacketError
from frostguard.store.dead_letters import DeadLetter
from frostguard.wire import battery, packets
from frostguard.wire.packets import Measurement, Packet
from frostguard.wire.serials import normalise_serial
from frostguard.wire.topics import TopicKind
from ingest import catching_up
from ingest.batch import Batch
from ingest.fleet import Fleet, Route, Sensor
from ingest.reader import DUP, RETAIN, Publish

STRANGERS = "strangers"  # the source of dead letters that no known gateway sent: one cap for all of them
MICROSECOND = timedelta(microseconds=1)
KEPT_PAYLOAD = 65_536
HEARD_EVERY = timedelta(minutes=1)
_STATUS = TopicKind.STATUS  # looking a member up in its enumeration costs as much as five comparisons


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Intake:
    """Holds the open batch and what limits it: the caps on dead letters and on sensors that introduce themselves."""

    def __init__(self, settings: IngestSettings, fleet: Fleet, now: Callable[[], datetime] = _utc_now) -> None:
        self._settings = settings
        self._now = now
        self._stamp = datetime.fromtimestamp(0, UTC)
        self._hour = self._stamp
        self._kept: Counter[str] = Counter()  # dead letters of this hour, by source
        self._introduced: Counter[UUID] = Counter()  # sensors of this hour, by gateway
        self._refused: list[tuple[str, str]] | None = None  # where refusals go while a dead letter is replayed
        self._speakers: set[UUID] = set()  # of this chunk
        self._hear_again: dict[UUID, datetime] = {}  # bounded by the gateways that exist
        self._moment(now())
        self.fleet = fleet
        self.batch = Batch()
        # Topic and payload of the message to ourselves that comes behind the backlog.
        self.marker = (b"", b"")

    def cut(self) -> Batch:
        """Return the open batch and begin the next."""
        batch, self.batch = self.batch, Batch()
        return batch

    def discard(self, batch: Batch) -> None:
        """Forget what a batch that will not be committed had introduced; the broker sends its messages again."""
        for sensor, organization, gateway, serial, _at in batch.pending.values():
            self.fleet.forget_pending(organization, serial, sensor)
            self._introduced[gateway] = max(0, self._introduced[gateway] - 1)

    def _moment(self, now: datetime) -> None:
        """Fix the clock for one chunk of messages; with a new hour the caps begin anew."""
        self._speakers.clear()
        self._received_at = now
        hour = now.replace(minute=0, second=0, microsecond=0)
        if hour != self._hour:
            self._hour = hour
            self._kept.clear()
            self._introduced.clear()
        self._oldest = now - timedelta(days=self._settings.retention_days)
        self._kept_before = now - catching_up.OLD
        self._newest = now + timedelta(seconds=self._settings.max_future_seconds)

    def take(self, published: list[Publish]) -> None:
        """Take messages in, in order of arrival."""
        self._moment(self._now())
        batch, routes = self.batch, self.fleet.routes
        if not batch.messages:
            batch.opened_at = time.monotonic()
        batch.messages += len(published)
        acknowledge = batch.packet_ids.append
        for topic, payload, packet_id, flags in published:
            if packet_id:
                acknowledge(packet_id)
            if flags & DUP:
                batch.redelivered = True
            route = routes.get(topic)
            try:
                if route is None:
                    if topic == self.marker[0]:
                        batch.marked = batch.marked or payload == self.marker[1]
                        continue
                    route = self.fleet.route(topic)
                self._take_one(route, payload, flags)
            except PacketError as error:
                self._dead_letter(route, topic, payload or b"", error.reason, error.detail)

    def deliver(self, message: int, received_at: datetime, topic: str, payload: bytes) -> None:
        """Take a message that came by HTTP; `message` is its number in the inbox."""
        self._moment(self._now())
        self._received_at = received_at
        self.batch.inbox.append(message)
        raw, route = topic.encode(), None
        try:
            route = self.fleet.routes.get(raw) or self.fleet.route(raw)
            self._take_one(route, payload, 0)
        except PacketError as error:
            self._dead_letter(route, raw, payload, error.reason, error.detail)

    def replay(self, letter: int, received_at: datetime, topic: str, payload: bytes) -> None:
        """Take a dead letter through the whole route again. A reading without a time was taken when it came."""
        self._moment(self._now())
        self._received_at, stamp, self._stamp = received_at, self._stamp, received_at - MICROSECOND
        self._refused = refused = []
        try:
            self._take_one(self.fleet.route(topic.encode()), payload, 0)
        except PacketError as error:
            refused.append((error.reason, error.detail))
        finally:
            self._refused = None
            self._stamp = max(self._stamp, stamp)
        if refused:
            self.batch.replay_refused.append((letter, *refused[0]))
        else:
            self.batch.replayed.append(letter)

    def _take_one(self, route: Route, payload: bytes | None, flags: int) -> None:
        if payload is None:
            raise PacketError("too_large", "more than a megabyte")
        kind = route.kind
        if kind is _STATUS:
            self._status(route, payload)
            return
        if flags & RETAIN:
            raise PacketError("retained", "readings must not be published as retained messages")
        packet = packets.decode(kind, payload)
        if route.gateway_id not in self._speakers:
            self._speaks(route.gateway_id, packet)
        self._readings(route, packet, payload)
        if packet.rejected:
            self._rejected(route, packet)
        if packet.boot is not None:
            self._numbers(route, packet)
        self.batch.unknown_fields += packet.unknown_fields

    def _speaks(self, gateway_id: UUID, packet: Packet) -> None:
        """A gateway is heard, by our clock; looked at once in every chunk of messages."""
        self._speakers.add(gateway_id)
        self.batch.spoke[gateway_id] = self._received_at
        if packet.readings and (last := packet.readings[-1].at) is not None and last < self._kept_before:
            self.batch.behind[gateway_id] = self._received_at
        if self._received_at >= self._hear_again.get(gateway_id, self._received_at):
            self.batch.heard[gateway_id] = self._received_at
            self._hear_again[gateway_id] = self._received_at + HEARD_EVERY

    def _readings(self, route: Route, packet: Packet, payload: bytes) -> None:
        """The hot loop: one row for each measurement."""
        batch, find, received_at = self.batch, route.organization.sensors.get, self._received_at
        oldest, newest = self._oldest, self._newest
        rows, new = batch.rows.append, tuple.__new__
        batch.readings += len(packet.readings)
        for measurement in packet.readings:
            serial, at, temperature, humidity, door, volts, percent, rssi, snr, seq, fault = measurement
            sensor = find(serial)
            if sensor is None or at is None or not oldest <= at <= newest:
                try:
                    sensor, at = self._explain(route, measurement)
                except PacketError as error:
                    # A message of a LoRaWAN network is one reading; of ours, the neighbours are stored.
                    ours = route.kind is TopicKind.READINGS
                    alone = packets.encode([measurement], packet.boot) if ours else payload
                    self._dead_letter(route, route.topic.encode(), alone, error.reason, error.detail)
                    continue
            if temperature is not None and not sensor.range_low <= temperature <= sensor.range_high:
                temperature, fault = None, fault or "out_of_range"
            if volts is not None and (percent is None or sensor.chemistry is not None):
                percent = battery.percent(volts, sensor.chemistry)
            if fault is not None:
                batch.faults += 1
            keep, owner = (rows, sensor.unit_id) if sensor.unit_id is not None else (batch.held.append, sensor.id)
            values = (
                owner, at, sensor.id, seq, received_at, temperature, humidity, door, volts, percent, rssi, snr, fault
            )  # fmt: skip
            keep(new(Reading, values))

    def _explain(self, route: Route, measurement: Measurement) -> tuple[Sensor, datetime]:
        """The slow way for what the hot loop does not know. Raises PacketError for what cannot be used."""
        at = measurement.at
        if at is None:
            # Every reading needs a moment of its own, or two without a time would be stored as one.
            self._stamp = at = max(self._received_at, self._stamp + MICROSECOND)
        elif at > self._newest:
            ahead = self._settings.max_future_seconds
            raise PacketError("time_in_future", f"{at.isoformat()} is more than {ahead} s ahead")
        elif at < self._oldest:
            raise PacketError("time_too_old", f"{at.isoformat()} is older than {self._settings.retention_days} days")
        sensor = route.organization.find(measurement.sensor)
        return sensor or self._introduce(route, measurement.sensor), at

    def _introduce(self, route: Route, spelling: str) -> Sensor:
        """Register an unknown sensor of a known gateway as pending."""
        if self._introduced[route.gateway_id] >= self._settings.pending_sensors_per_gateway:
            raise PacketError("too_many_unknown_sensors", "this gateway has introduced as many sensors as it may")
        self._introduced[route.gateway_id] += 1
        serial = normalise_serial(spelling)
        organization = route.organization.id
        sensor = Sensor(
            id=uuid4(), unit_id=None, serial=serial, gateway_id=route.gateway_id, range_low=-100, range_high=150,
            chemistry=None, interval_seconds=300, is_primary=False, kind="temperature", assigned_at=None,
        )  # fmt: skip
        row = (sensor.id, organization, route.gateway_id, serial, self._received_at)
        self.batch.pending[organization, serial] = row
        self.fleet.add_pending(organization, sensor)
        return sensor

    def _status(self, route: Route, payload: bytes) -> None:
        status = packets.decode_status(payload)
        self.batch.statuses[route.gateway_id] = (status.online, self._received_at)
        if status.boot is not None and status.oldest is not None:
            self.batch.oldest[route.gateway_id, status.boot] = status.oldest

    def _numbers(self, route: Route, packet: Packet) -> None:
        """Every numbered reading of this packet is settled with the batch: stored, held or dead-lettered."""
        numbers = self.batch.numbers.setdefault((route.gateway_id, packet.boot or ""), [])
        numbers.extend([m.seq for m in packet.readings if m.seq])
        numbers.extend([r.seq for r in packet.rejected if r.seq])

    def _rejected(self, route: Route, packet: Packet) -> None:
        for reason, detail, payload, _seq in packet.rejected:
            self._dead_letter(route, route.topic.encode(), payload, reason, detail)

    def _dead_letter(self, route: Route | None, topic: bytes, payload: bytes, reason: str, detail: str) -> None:
        """Keep it, or only count it where its source has used up this hour's cap; a replayed one is kept already."""
        if self._refused is not None:
            self._refused.append((reason, detail))
            return
        source = route.gateway if route else STRANGERS
        if self._kept[source] >= self._settings.dead_letters_per_hour:
            self.batch.overflows[source, self._hour, reason] += 1
            return
        self._kept[source] += 1
        self.batch.letters.append(
            DeadLetter(
                received_at=self._received_at,
                organization_id=route.organization.id if route else None,
                gateway_id=route.gateway_id if route else None,
                topic=_text(topic, 1000),
                payload=payload[:KEPT_PAYLOAD],
                reason=reason,
                detail=_text(detail.encode(errors="replace"), 500),
            )
        )


def _text(raw: bytes, length: int) -> str:
    """Return bytes as text that PostgreSQL takes."""
    return raw.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")[:length]
