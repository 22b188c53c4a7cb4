"""Traces of single messages, one in so many: received, decoded, waited, copied, judged, committed, acknowledged.

Without TRACE_ENDPOINT the intake is called as ever, and `done` once a batch is all there is. With it a chunk of
messages costs a comparison, and a message whose turn it is a note of its moments; spans are made after the
acknowledgement. They say topic, packet, organization and gateway, and how large the batch was: nothing of the payload.
"""

import logging
import time
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Protocol

from frostguard.domain.shards import Shard
from frostguard.store.connection import Record
from frostguard.tracing import Tracing, TracingSettings, begin, traceparent
from ingest.batch import Batch
from ingest.intake import Intake
from ingest.reader import Publish
from ingest.writer import Written

STEPS = ("decoded", "waited", "copied", "judged", "committed", "acknowledged")
AT_ONCE = 10  # of a batch: a drain must not become a flood of spans

log = logging.getLogger("ingest.tracing")


class Traces(Protocol):
    """What the daemon tells: messages on their way to the intake, those of the HTTP inbox, and a batch that is done."""

    def take(self, published: list[Publish], /) -> None:
        """Hand a chunk of messages to the intake."""

    def delivered(self, message: Record) -> None:
        """Note a message of the HTTP inbox, which the intake has just taken."""

    def done(self, batch: Batch, written: Written, began: float) -> None:
        """Tell what was noted of a batch that is committed and acknowledged; `began`: its commit, monotonic clock."""


class Untraced:
    """What there is without a collector."""

    def __init__(self, intake: Intake) -> None:
        self.take = intake.take

    def delivered(self, message: Record) -> None:
        """Note nothing."""

    def done(self, batch: Batch, written: Written, began: float) -> None:
        """Tell nothing."""


@dataclass(frozen=True, slots=True)
class Noted:
    """A message whose turn it is. Times: nanoseconds since 1970."""

    topic: str
    size: int
    packet_id: int  # 0: it came by HTTP, or with QoS 0
    received: int
    decoded: int
    caller: str | None = None  # whose trace this goes on with


class Traced:
    """Notes and tells. `one_in`: messages of the broker; those of the inbox come with the trace of their request."""

    def __init__(self, tracing: Tracing, one_in: int, intake: Intake) -> None:
        self._tracing = tracing
        self._one_in = one_in
        self._intake = intake
        # Of the open batch and the one before it, which may be on its way: no batch is held for longer.
        self._noted: list[tuple[Batch, list[Noted]]] = []
        self._ahead = 0  # so many messages are not looked at before the next one

    def take(self, published: list[Publish], /) -> None:
        """Hand a chunk to the intake; note those whose turn it is."""
        if self._ahead >= len(published):
            self._ahead -= len(published)
            self._intake.take(published)
            return
        received = time.time_ns()
        self._intake.take(published)
        decoded = time.time_ns()
        for topic, payload, packet_id, _flags in published[self._ahead :: self._one_in]:
            self._note(Noted(_text(topic), len(payload or b""), packet_id, received, decoded))
        self._ahead = (self._ahead - len(published)) % self._one_in

    def delivered(self, message: Record) -> None:
        """Note a message of the inbox whose request was traced."""
        caller = message["traceparent"]
        if caller is not None:
            decoded = time.time_ns()
            received = min(decoded, int(message["received_at"].timestamp() * 1e9))
            self._note(Noted(message["topic"], len(message["payload"]), 0, received, decoded, caller))

    def done(self, batch: Batch, written: Written, began: float) -> None:
        """Tell the batch's own, and forget those of batches that came to nothing: their messages come again."""
        if not self._noted:
            return
        ended = time.time_ns()
        committing = ended - int((time.monotonic() - began) * 1e9)
        for _, mine in (group for group in self._noted if group[0] is batch):
            for noted in mine:
                self._tell(noted, (batch, written), committing, ended)
        self._noted = [group for group in self._noted if group[0] is self._intake.batch]

    def close(self) -> None:
        """Send what waits."""
        self._tracing.close()

    def _note(self, noted: Noted) -> None:
        batch = self._intake.batch
        if not self._noted or self._noted[-1][0] is not batch:
            self._noted = [*self._noted[-1:], (batch, [])]
        mine = self._noted[-1][1]
        if len(mine) < AT_ONCE:
            mine.append(noted)

    def _tell(self, noted: Noted, what: tuple[Batch, Written], committing: int, ended: int) -> None:
        batch, written = what
        facts: dict[str, str | int] = {
            "messaging.system": "mqtt", "messaging.destination.name": noted.topic,
            "messaging.message.id": noted.packet_id, "messaging.message.body.size": noted.size,
        }  # fmt: skip
        route = self._intake.fleet.routes.get(noted.topic.encode())
        if route is not None:
            facts["frostguard.organization_id"] = str(route.organization.id)
            facts["frostguard.gateway_id"] = str(route.gateway_id)
        whole = self._tracing.open("reading", facts, kind="consumer", began=noted.received, under=noted.caller)
        about: dict[str, dict[str, str | int]] = {
            "copied": {"frostguard.batch.messages": batch.messages, "frostguard.batch.readings": len(batch.rows)},
            "judged": {"frostguard.events": written.judged.events, "frostguard.alerts": written.judged.alerts},
        }
        steps = (noted.decoded, committing, written.copied_at, written.judged_at, written.committed_at, ended)
        # Two clocks are read, some microseconds apart: none of them may make a step end before it begins.
        moments = accumulate((noted.received, *steps), max)
        for name, (began, over) in zip(STEPS, pairwise(moments), strict=True):
            self._tracing.piece(whole, name, began, over, about.get(name))
        whole.end(ended)
        handed = traceparent(whole) or ""
        log.debug("a message was traced", extra={"trace_id": handed.split("-")[1], "topic": noted.topic})


def _text(topic: bytes) -> str:
    return topic.decode(errors="replace")[:1000]


def begin_traces(settings: TracingSettings, intake: Intake, shard: Shard) -> Traces:
    """Return what traces messages, if a collector is named. Raises UsageError without the extra `tracing`."""
    tracing = begin(settings, "frostguard-ingest", str(shard))
    return Untraced(intake) if tracing is None else Traced(tracing, settings.one_message_in, intake)
