"""Which messages are noted, and what is told of them: in memory, and by a real daemon to a collector."""

import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from frostguard.config import IngestSettings
from frostguard.domain.shards import WHOLE
from frostguard.local.broker import Broker
from frostguard.store import http_inbox
from frostguard.store.connection import Connection
from frostguard.tracing import Tracing, TracingSettings
from ingest.batch import Batch
from ingest.intake import Intake
from ingest.tracing import AT_ONCE, STEPS, Traced, Untraced, begin_traces
from ingest.writer import Written
from tests.collector import Collector, Told, collecting
from tests.factories import GATEWAY, SLUG, Planted, identity, make_fleet, message, payload_of, raw_reading, topic_of
from tests.ingest.rig import gateway
from tests.ingest.test_daemon import reading, running, stored

PARTS = list(STEPS)
CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def is_reading(span: Told) -> bool:
    """Whether it is a reading's, not a status or a marker of the daemon's own."""
    return span.name == "reading" and span.facts["messaging.destination.name"].endswith("/readings")


class Stage:
    """An intake, what traces it, and the spans it told."""

    def __init__(self, one_in: int) -> None:
        self.memory = InMemorySpanExporter()
        self.intake = Intake(IngestSettings(), make_fleet())
        tracing = Tracing(SimpleSpanProcessor(self.memory), "frostguard-ingest")
        self.traces = Traced(tracing, one_in, self.intake)
        self.sent = 0

    def take(self, count: int) -> None:
        messages = []
        for _ in range(count):
            self.sent += 1
            messages.append(message(payload_of(raw_reading(self.sent)), packet_id=self.sent))
        self.traces.take(messages)

    def commit(self) -> list[int]:
        """Commit the open batch; return the packets whose traces were told."""
        self.done(self.intake.cut())
        told = [span.attributes["messaging.message.id"] for span in self.spans("reading")]  # type: ignore[index]
        self.memory.clear()
        return told  # type: ignore[return-value]

    def done(self, batch: Batch) -> None:
        now = time.time_ns()
        self.traces.done(batch, Written(copied_at=now, judged_at=now, committed_at=now), time.monotonic())

    def spans(self, name: str) -> list:
        return [span for span in self.memory.get_finished_spans() if span.name == name]


@pytest.mark.parametrize(
    ("one_in", "chunks", "told"),
    [
        (1, [2, 1], [1, 2, 3]),
        (3, [1, 1, 1, 1, 1], [1, 4]),
        (3, [2, 4, 5], [1, 4, 7, 10]),
        (4, [4, 1, 3, 1], [1, 5, 9]),
        (5, [12], [1, 6, 11]),
        (1000, [999, 1, 1], [1, 1001]),
    ],
)
def test_one_in_so_many_is_noted_however_they_come(one_in: int, chunks: list[int], told: list[int]) -> None:
    stage = Stage(one_in)
    found = []
    for count in chunks:
        stage.take(count)
        found += stage.commit()
    assert found == told


def test_a_drain_is_no_flood_of_spans() -> None:
    stage = Stage(1)
    stage.take(5 * AT_ONCE)
    assert stage.commit() == list(range(1, AT_ONCE + 1))


def test_a_trace_is_told_with_its_own_batch_while_the_next_one_fills() -> None:
    stage = Stage(1)
    stage.take(1)
    first = stage.intake.cut()
    stage.take(1)
    stage.done(first)
    assert [span.attributes["messaging.message.id"] for span in stage.spans("reading")] == [1]
    stage.memory.clear()
    assert stage.commit() == [2]


def test_what_was_not_committed_is_not_told_and_not_kept() -> None:
    stage = Stage(1)
    for _ in range(5):  # the broker came and went
        stage.take(1)
        stage.intake.cut()
    assert len(stage.traces._noted) <= 2
    stage.take(1)
    assert stage.commit() == [6]
    assert stage.traces._noted == []


def test_spans_follow_each_other_and_say_whose_message_it_was_and_nothing_of_it() -> None:
    stage = Stage(1)
    payload = payload_of(raw_reading(0, temperature=-18.77), boot="hunter2")
    before = time.time_ns()
    stage.traces.take([message(payload, packet_id=17)])
    stage.done(stage.intake.cut())
    *parts, whole = stage.memory.get_finished_spans()
    assert [part.name for part in parts] == PARTS
    assert {part.parent.span_id for part in parts if part.parent} == {whole.context.span_id}
    assert whole.attributes == {
        "messaging.system": "mqtt", "messaging.destination.name": topic_of().decode(), "messaging.message.id": 17,
        "messaging.message.body.size": len(payload), "frostguard.organization_id": str(identity(SLUG)),
        "frostguard.gateway_id": str(identity(GATEWAY)),
    }  # fmt: skip
    assert before <= whole.start_time == parts[0].start_time
    assert whole.end_time == parts[-1].end_time <= time.time_ns()
    for one, following in pairwise(parts):
        assert one.end_time <= following.end_time
    said = " ".join(span.to_json() for span in (*parts, whole))
    assert "hunter2" not in said
    assert "18.77" not in said


def test_a_stranger_s_topic_is_told_as_it_is() -> None:
    stage = Stage(1)
    stage.traces.take([message(b"{}", topic=b"some/\xff/thing", packet_id=1)])
    stage.done(stage.intake.cut())
    [whole] = stage.spans("reading")
    assert whole.attributes["messaging.destination.name"] == "some/\N{REPLACEMENT CHARACTER}/thing"
    assert "frostguard.gateway_id" not in whole.attributes


def test_a_message_of_the_inbox_goes_on_with_the_trace_of_its_request() -> None:
    stage = Stage(1000)
    now, topic = datetime.now(UTC), topic_of().decode()
    for caller in (None, CALLER):
        row = {
            "id": 1,
            "received_at": now,
            "topic": topic,
            "payload": payload_of(raw_reading(0)),
            "traceparent": caller,
        }
        stage.intake.deliver(1, now, topic, row["payload"])
        stage.traces.delivered(row)
    stage.done(stage.intake.cut())
    [whole] = stage.spans("reading")
    assert f"{whole.context.trace_id:032x}" == CALLER.split("-")[1]
    assert whole.start_time <= time.time_ns()


def test_without_a_collector_the_intake_is_called_as_ever() -> None:
    intake = Intake(IngestSettings(), make_fleet())
    traces = begin_traces(TracingSettings(), intake, WHOLE)
    assert isinstance(traces, Untraced)
    assert traces.take == intake.take
    traces.delivered({"traceparent": CALLER})
    traces.done(intake.batch, Written(), 0.0)


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collecting() as found:
        monkeypatch.setenv("TRACE_ENDPOINT", found.url)
        monkeypatch.setenv("TRACE_ONE_MESSAGE_IN", "1")
        yield found


async def test_a_daemon_tells_a_collector_the_route_of_a_reading(  # noqa: PLR0917 - fixtures
    database: str, mosquitto: Broker, planted: Planted, connection: Connection, collector: Collector, tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    with caplog.at_level(logging.DEBUG, logger="ingest.tracing"):
        async with running(database, mosquitto, tmp_path) as daemon, gateway(mosquitto) as client:
            await client.publish(topic_of().decode(), payload_of(reading(1), boot="b-1"), qos=1)
            await stored(connection, 1)
            traces = daemon.daemon._traces
        assert isinstance(traces, Traced)
        traces.close()
    trace = collector.trace(is_reading)
    [whole] = [span for span in trace if not span.parent]
    parts = [span for span in trace if span.parent]
    assert (whole.service, whole.facts["messaging.destination.name"]) == ("frostguard-ingest", topic_of().decode())
    assert whole.facts["frostguard.organization_id"] == str(planted.organization)
    assert sorted(part.name for part in parts) == sorted(PARTS)
    by_name = {part.name: part for part in parts}
    for one, following in pairwise(PARTS):
        assert by_name[one].ended == by_name[following].began, f"{one} ends where {following} begins"
    assert by_name["copied"].facts["frostguard.batch.readings"] == 1
    assert whole.trace in [record.trace_id for record in caplog.records if record.name == "ingest.tracing"]


async def test_a_trace_that_began_at_the_door_of_http_ends_in_the_daemon(  # noqa: PLR0917 - fixtures
    database: str, mosquitto: Broker, planted: Planted, connection: Connection, collector: Collector, tmp_path: Path
) -> None:
    async with running(database, mosquitto, tmp_path) as daemon:
        message = (topic_of().decode(), payload_of(reading(1)))
        await http_inbox.insert(connection, planted.gateways[GATEWAY], [message], CALLER)
        await stored(connection, 1)
        traces = daemon.daemon._traces
    assert isinstance(traces, Traced)
    traces.close()
    trace = collector.trace(lambda span: span.trace == CALLER.split("-")[1])
    [whole] = [span for span in trace if span.name == "reading"]
    assert whole.parent == CALLER.split("-")[2]
