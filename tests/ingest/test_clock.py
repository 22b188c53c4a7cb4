"""When it may be said that somebody is silent: after the marker, not in the backlog, not after a sleep."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

import pytest

from ingest import clock as module
from ingest.batch import Batch
from ingest.clock import ASK_EVERY_SECONDS, DEAF, HEARTBEAT_SECONDS, MARKER_PATIENCE_SECONDS, Clock


class Times:
    """Both clocks, moved by hand: the monotonic one stands still while the machine sleeps."""

    def __init__(self) -> None:
        self.monotonic = 1000.0
        self.wall = datetime(2026, 11, 22, 12, tzinfo=UTC)

    def forward(self, seconds: float) -> None:
        self.monotonic += seconds
        self.wall += timedelta(seconds=seconds)


class FewDue:
    """The part of the writer that the clock asks."""

    def __init__(self, times: Times) -> None:
        self.times = times
        self.next = times.wall + timedelta(hours=1)

    def due(self, now: datetime, _batch: Batch) -> tuple[list[UUID], list[UUID]]:
        return ([UUID(int=1)], []) if now >= self.next else ([], [])

    def next_due(self) -> datetime:
        return self.next


@pytest.fixture
def times(monkeypatch: pytest.MonkeyPatch) -> Times:
    made = Times()
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: made.monotonic))
    monkeypatch.setattr(module, "datetime", SimpleNamespace(now=lambda _zone: made.wall))
    return made


@pytest.fixture
def clock(times: Times) -> Clock:
    made = Clock("daemon")
    made.connected()
    made.marker()
    return made


@pytest.fixture
def writer(times: Times) -> FewDue:
    return FewDue(times)


def fill(clock: Clock, writer: FewDue | None = None, *, full: bool = False, **given: object) -> Batch:
    batch = Batch()
    for name, value in given.items():
        setattr(batch, name, value)
    clock.fill(batch, writer, full=full)  # type: ignore[arg-type]
    return batch


def drain(clock: Clock, writer: FewDue | None = None) -> None:
    batch = fill(clock, writer, marked=True)
    assert batch.drained
    clock.committed(batch, alerts_held=False)
    assert clock.listening


def test_nothing_is_asked_before_the_marker_is_back(clock: Clock, writer: FewDue) -> None:
    clock.ask_logs()
    clock.ask_alerts()
    writer.next = writer.times.wall
    batch = fill(clock, writer)
    assert not any([batch.listening, batch.drained, batch.due_units, batch.ask_logs, batch.ask_alerts])


def test_the_batch_with_the_marker_ends_the_backlog_and_the_next_one_listens(clock: Clock, writer: FewDue) -> None:
    writer.next = writer.times.wall
    batch = fill(clock, writer, marked=True)
    assert (batch.drained, batch.listening, batch.due_units) == (True, False, [])
    clock.committed(batch, alerts_held=False)
    after = fill(clock, writer)
    assert (after.drained, after.listening, after.due_units) == (False, True, [UUID(int=1)])
    assert after.ask_alerts, "what the backlog held back is asked now"


def test_a_marker_whose_batch_was_not_committed_does_not_count(clock: Clock) -> None:
    assert fill(clock, marked=True).drained
    clock.disconnected()
    clock.connected()
    assert not fill(clock).drained


def test_without_a_marker_a_while_without_a_full_batch_says_the_same(clock: Clock, times: Times) -> None:
    times.forward(MARKER_PATIENCE_SECONDS - 1)
    assert not fill(clock, full=True).drained
    times.forward(MARKER_PATIENCE_SECONDS - 1)
    assert not fill(clock).drained
    assert clock.seconds_left(None) == 1
    times.forward(2)
    assert clock.seconds_left(None) == 0
    assert fill(clock).drained


def test_every_connection_has_a_marker_of_its_own(clock: Clock) -> None:
    topic, token = clock.marker()
    clock.disconnected()
    assert not clock.listening
    clock.connected()
    assert clock.marker()[0] == topic
    assert clock.marker()[1] != token


@pytest.mark.parametrize("asleep", [False, True], ids=["stopped", "the machine slept, or the clock was set"])
def test_who_has_not_looked_at_the_clock_for_long_has_not_listened(
    clock: Clock, writer: FewDue, times: Times, asleep: bool
) -> None:
    drain(clock, writer)
    old = clock.token
    if asleep:
        times.wall += timedelta(minutes=10)
    else:
        times.forward(600)
    writer.next = times.wall
    batch = fill(clock, writer, marked=True)
    assert not any([batch.listening, batch.drained, batch.due_units])
    assert clock.wants_marker
    assert clock.marker()[1] != old
    assert not clock.wants_marker
    drain(clock, writer)
    times.forward(DEAF.total_seconds() / 2)
    assert fill(clock, writer).due_units == [UUID(int=1)]


def test_who_looks_as_often_as_it_must_keeps_listening(clock: Clock, writer: FewDue, times: Times) -> None:
    drain(clock, writer)
    for _ in range(10):
        assert 0 <= clock.seconds_left(writer) <= HEARTBEAT_SECONDS < DEAF.total_seconds()  # type: ignore[arg-type]
        times.forward(HEARTBEAT_SECONDS)
        assert fill(clock, writer).heartbeat


def test_a_deadline_is_waited_for_and_no_longer(clock: Clock, writer: FewDue, times: Times) -> None:
    drain(clock, writer)
    fill(clock, writer)
    writer.next = times.wall + timedelta(seconds=2)
    assert clock.seconds_left(writer) == 2  # type: ignore[arg-type]
    times.forward(2)
    assert clock.seconds_left(writer) == 0  # type: ignore[arg-type]
    assert fill(clock, writer).due_units


def test_alerts_that_wait_are_asked_again_and_again_and_then_no_more(clock: Clock, times: Times) -> None:
    drain(clock)
    asked = fill(clock)
    assert asked.ask_alerts
    clock.committed(asked, alerts_held=True)
    times.forward(1)
    assert not fill(clock).ask_alerts
    times.forward(ASK_EVERY_SECONDS)
    asked = fill(clock)
    assert asked.ask_alerts
    clock.committed(asked, alerts_held=False)
    times.forward(HEARTBEAT_SECONDS)
    assert not fill(clock).ask_alerts


def test_manual_logs_are_asked_for_once_and_again_where_there_are_more(clock: Clock) -> None:
    clock.ask_logs()
    drain(clock)
    assert clock.seconds_left(None) == 0, "a log does not wait for a message"
    asked = fill(clock)
    assert asked.ask_logs
    clock.committed(asked, alerts_held=False, more_logs=True)
    assert fill(clock).ask_logs
    assert not fill(clock).ask_logs
