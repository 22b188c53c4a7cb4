"""The reference gateway: numbers its readings, keeps them until they are safe, sends the rest again.

What a firmware must do to lose nothing, in the order of this file:
1. say `online` with its boot and its oldest number after each connect, before anything else (retained; the last will
   says `offline`), and again when its buffer ran over;
2. send what it keeps in order, the oldest first, after each reconnect everything that is not released;
3. take PUBACK reason 0x10 ("no matching subscribers") for what it is: not delivered; wait a little, send it again;
4. forget a reading only when the watermark `committed` of its boot covers it;
5. when a watermark stays away although the broker took everything, ask with the oldest message: its repeat makes the
   server say how far it has come. If exactly that much was missing, ask with twice as many.
"""

import math
import time
from collections import deque
from dataclasses import dataclass
from random import Random

from firmware_sim import frames
from firmware_sim.fleet import GatewayPlan
from firmware_sim.ledger import Ledger
from firmware_sim.link import Link
from firmware_sim.outbox import Batch, Outbox
from firmware_sim.tally import Tally
from frostguard.errors import PacketError
from frostguard.wire.packets import Measurement, Status, decode_committed, encode, encode_status
from frostguard.wire.topics import committed_topic, readings_topic, status_topic

NOT_DELIVERED = 0x10
_HOLD_SECONDS, _LONGEST_HOLD = 1.0, 30.0
_MOST_PLANTED = 1000  # what is broken waits no longer than this; the rest is not even made


@dataclass(frozen=True, slots=True)
class Habits:
    """How gateways behave: the same for the whole fleet."""

    per_message: int = 1
    buffer: int = 100_000  # readings
    watermark: bool = True
    resend_seconds: float = 60.0  # patience with a watermark that stays away
    duplicates: float = 0.0  # share of messages that are sent twice


@dataclass(frozen=True, slots=True)
class Books:
    """Where everything is written down."""

    ledger: Ledger
    tally: Tally


class Planted(str):
    """The token of a broken payload: its kind."""

    __slots__ = ()


class Gateway:
    """One gateway on a link (see `firmware_sim.link.Rider` for what the link calls)."""

    def __init__(self, plan: GatewayPlan, link: Link, habits: Habits, books: Books, random: Random) -> None:
        self.organization, self.name, self.link = plan.organization, plan.id, link
        self._habits, self._books, self._random = habits, books, random
        self.outbox = Outbox(self._new_boot(), habits.buffer, watermark=habits.watermark)
        self.silent = False  # an outage on a shared link: nothing is sent, everything is kept
        self._topic = frames.topic_field(readings_topic(plan.organization, plan.id))
        self._status_topic = frames.topic_field(status_topic(plan.organization, plan.id))
        self._extra: deque[tuple[bytes, bytes, object]] = deque()  # goes before the readings
        self._held_until = 0.0
        self._hold = _HOLD_SECONDS
        self._unreleased_sends: deque[tuple[str, int, float]] = deque()  # boot, last seq, when: first sends only
        self._sent_stop = 0
        self._told_dropped = 0
        self._progress_at = time.monotonic()
        self._probe: Batch | None = None
        self._probe_size = 1
        link.board(self)

    @property
    def listens_to(self) -> str | None:
        """Where the watermark comes; None for a gateway that wants none."""
        return committed_topic(self.organization, self.name) if self._habits.watermark else None

    def will(self) -> tuple[str, bytes]:
        """The last will: offline."""
        return status_topic(self.organization, self.name), encode_status(Status(online=False, boot=self.outbox.boot))

    def take(self, reading: Measurement) -> None:
        """A sensor's reading arrives."""
        numbered, gap = self.outbox.add(reading)
        books = self._books
        books.ledger.reading(self._stream(self.outbox.boot), numbered)
        books.tally.readings += 1
        if gap:
            books.tally.dropped += 1
            books.ledger.dropped(self._stream(gap.boot), gap.first, gap.last)
        self.link.want(self)

    def plant(self, kind: str, payload: bytes) -> None:
        """Send something that is no packet."""
        if self.silent or not self.link.up or len(self._extra) >= _MOST_PLANTED:
            return
        self._extra.append((self._topic, payload, Planted(kind)))
        self.link.want(self)

    def go_dark(self) -> None:
        """Lose the connection as in a power cut, until `come_back`; on a shared one say `offline` and fall silent."""
        if len(self.link.riders) == 1:
            self.link.drop(math.inf)
        elif not self.silent:
            self.say_goodbye()
            self.silent = True

    def come_back(self) -> None:
        """End of an outage."""
        self.link.resume()
        if self.silent:
            self.silent = False
            if self.link.up:
                self.connected()

    def restart(self) -> None:
        """Come back from a power cut: a new boot; the buffer is in flash."""
        self.outbox.restart(self._new_boot())

    def say_goodbye(self) -> None:
        """Publish `offline`, as a graceful stop does (the will is only for the other kind)."""
        topic, payload = self.will()
        self._extra.append((frames.topic_field(topic), payload, None))
        self.link.want(self)

    @property
    def saying(self) -> bool:
        """Whether something waits that goes before the readings."""
        return bool(self._extra)

    def tick(self, now: float) -> None:
        """Once in a while: tell of an overflow, ask after a watermark that stays away."""
        if not self.link.up or self.silent:
            return
        if self.outbox.dropped != self._told_dropped:
            self._tell_oldest()
        if not self.outbox.unreleased:
            self._progress_at = now
        elif now - self._progress_at > self._habits.resend_seconds:
            self._progress_at = now
            self._ask(1)
        if self.outbox.waiting and now >= self._held_until:
            self.link.want(self)

    def connected(self) -> None:
        """Birth message, then everything again."""
        self._progress_at, self._probe, self._probe_size, self._held_until = time.monotonic(), None, 1, 0.0
        self.outbox.rewind()
        self._tell_oldest()

    def disconnected(self) -> None:
        """Answers to what was in flight will not come: the cursor goes back at the next connect."""
        self._extra.clear()

    def offer(self) -> tuple[bytes, bytes, object] | None:
        """The next message."""
        if self._extra:
            return self._extra.popleft()
        now = time.monotonic()
        if self.silent or now < self._held_until:
            return None
        batch = self.outbox.take(self._habits.per_message)
        if batch is None:
            return None
        self._count_sent(batch, now)
        message = (self._topic, encode(batch.readings, batch.boot), batch)
        if self._habits.duplicates and self._random.random() < self._habits.duplicates:
            self._books.tally.duplicates += 1
            self._extra.append(message)
        return message

    def settled(self, token: object, sent_at: float, reason: int) -> None:
        """A PUBACK."""
        books, now = self._books, time.monotonic()
        if isinstance(token, Planted):
            if reason == 0:
                books.ledger.planted(token, self.organization, self.name)
        elif isinstance(token, Batch):
            stream, first = self._stream(token.boot), token.readings[0].seq
            last = token.readings[-1].seq
            if reason == 0:
                books.tally.to_ack.add(now - sent_at)
                books.tally.acknowledged += self.outbox.acknowledge(token)
                books.ledger.acknowledged(stream, first, last)
                self._hold = _HOLD_SECONDS
            else:
                books.tally.undelivered += 1
                books.ledger.undelivered(stream, first, last)
                self._hold_off(token, now)

    def heard(self, payload: bytes) -> None:
        """A watermark. What is no watermark is ignored: nothing is forgotten on a stranger's word."""
        try:
            boot, upto = decode_committed(payload)
        except PacketError:
            return
        gap = self.outbox.release(boot, upto)
        if gap is None:
            return
        self._books.ledger.committed(self._stream(boot), gap.last)
        self._count_committed(boot, gap.last)
        self._books.tally.committed += gap.last - gap.first + 1
        self._progress_at = time.monotonic()
        self._judge_probe(boot, gap.last)

    def _hold_off(self, batch: Batch, now: float) -> None:
        self.outbox.refuse(batch)
        if now >= self._held_until:
            self._held_until = now + self._hold
            self._hold = min(self._hold * 2, _LONGEST_HOLD)

    def _ask(self, messages: int) -> None:
        """Send the oldest messages again without moving the cursor."""
        self._probe_size, start = messages, None
        for _ in range(messages):
            batch = self.outbox.peek(start, self._habits.per_message)
            if batch is None:
                break
            self._probe, start = batch, batch.stop
            self._books.tally.resent += len(batch.readings)
            self._extra.append((self._topic, encode(batch.readings, batch.boot), batch))
        self.link.want(self)

    def _judge_probe(self, boot: str, upto: int) -> None:
        """After a question: if the watermark stops right behind it, more is missing; else all is well."""
        probe = self._probe
        if probe is None:
            return
        self._probe = None
        if boot == probe.boot and upto == probe.readings[-1].seq and self.outbox.unreleased:
            self._ask(min(self._probe_size * 2, 1024))
        else:
            self._probe_size = 1

    def _tell_oldest(self) -> None:
        """The birth message; before it one for each earlier boot that still has readings. The last is retained."""
        self._told_dropped = self.outbox.dropped
        for boot, oldest in self.outbox.oldest_by_boot():
            payload = encode_status(Status(online=True, boot=boot, oldest=oldest))
            self._extra.append((self._status_topic, payload, None))
        self.link.want(self)

    def _count_sent(self, batch: Batch, now: float) -> None:
        fresh = batch.stop - max(batch.start, self._sent_stop)
        tally = self._books.tally
        if fresh > 0:
            tally.published += fresh
            self._sent_stop = batch.stop
            if self._habits.watermark:
                self._unreleased_sends.append((batch.boot, batch.readings[-1].seq, now))
        tally.resent += len(batch.readings) - max(fresh, 0)

    def _count_committed(self, boot: str, upto: int) -> None:
        now, sends = time.monotonic(), self._unreleased_sends
        while sends and (sends[0][0] != boot or sends[0][1] <= upto):
            sent_boot, _, sent_at = sends.popleft()
            if sent_boot == boot:
                self._books.tally.to_commit.add(now - sent_at)

    def _stream(self, boot: str) -> int:
        return self._books.ledger.stream(self.organization, self.name, boot)

    def _new_boot(self) -> str:
        return f"{self._random.getrandbits(32):08x}"
