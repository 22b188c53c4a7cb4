"""When the machines may judge silence, and when somebody must be looked after although no message comes.

Our silence is not theirs: after every (re)connection the broker first delivers what it kept, and until that is through
nobody may be called silent. To know when, the daemon publishes a marker to itself: the broker queues it behind the
backlog, so its return says that the backlog is drained. Where no marker comes back (a broker that does not allow it),
a while without a full batch says the same. Nor did a daemon listen that has not looked at the clock for long: it was
stopped, the machine slept, or somebody set the clock.
"""

import secrets
import time
from datetime import UTC, datetime, timedelta

from ingest.batch import Batch
from ingest.writer import Writer

HEARTBEAT_SECONDS = 5.0  # an idle daemon says at least as often that it listens
DUE_EVERY_SECONDS = 0.1  # deadlines of one moment are one batch
ASK_EVERY_SECONDS = 2.0  # alerts that wait to be told
MARKER_PATIENCE_SECONDS = 10.0
DEAF = timedelta(seconds=10)  # a daemon that listens looks at the clock twice as often, at the least


def marker_topic(client_id: str) -> str:
    """Return where a daemon speaks to itself."""
    return f"frostguard/ingest/{client_id}/marker"


class Clock:
    """One daemon's sense of time. `topic` and `token` are the marker's."""

    def __init__(self, client_id: str) -> None:
        self.topic = marker_topic(client_id)
        self.token = b""
        self.listening = False
        # The newest preparation of a next layout that we were told of: answered by the marker that follows it.
        self.preparation = 0
        # A marker is to be published, behind what is on its way already.
        self.wants_marker = False
        self._looked_at = datetime.now(UTC)
        self._logs = False
        self._last_full = 0.0
        self._last_due = 0.0
        self._last_beat = 0.0
        self._ask_at = 0.0

    def connected(self) -> None:
        """A connection has begun: what the broker kept comes first."""
        self._lose_touch()
        self.wants_marker = False  # it goes out behind the answer to our subscriptions
        self._looked_at = datetime.now(UTC)

    def prepare(self, preparation: int) -> None:
        """Another layout is prepared: what is queued for us now must have come before that can be said."""
        self.preparation = preparation
        self._lose_touch()

    def _lose_touch(self) -> None:
        self.token = secrets.token_hex(8).encode()
        self.listening = False
        self.wants_marker = True
        self._last_full = time.monotonic()

    def marker(self) -> tuple[bytes, bytes]:
        """Return topic and payload of the marker, which is on its way from now on."""
        self.wants_marker = False
        return self.topic.encode(), self.token

    def disconnected(self) -> None:
        """Nothing is heard any more."""
        self.listening = False

    def fill(self, batch: Batch, writer: Writer | None, *, full: bool) -> None:
        """Add to a batch that is about to be committed what the time asks for."""
        now, before = time.monotonic(), self._looked_at
        self._looked_at = datetime.now(UTC)
        if self.listening and self._looked_at - before > DEAF:
            batch.marked = False
            self._lose_touch()
        if full:
            self._last_full = now
        if not self.listening:
            batch.preparation = self.preparation if batch.marked else 0
            batch.drained = batch.marked or now - self._last_full > MARKER_PATIENCE_SECONDS
            return
        batch.listening = True
        if writer is not None and now - self._last_due >= DUE_EVERY_SECONDS:
            self._last_due = now
            batch.due_units, batch.due_gateways = writer.due(datetime.now(UTC), batch)
        # A log is judged like a silence: not before what the broker kept has come.
        batch.ask_logs, self._logs = self._logs, False
        if now >= self._ask_at:
            batch.ask_alerts, self._ask_at = True, float("inf")
        if now - self._last_beat >= HEARTBEAT_SECONDS:
            batch.heartbeat, self._last_beat = True, now

    def committed(self, batch: Batch, *, alerts_held: bool, more_logs: bool = False) -> None:
        """A batch is committed: its marks count."""
        if batch.drained:
            self.listening = True
            self._ask_at = 0.0
        elif alerts_held:
            self.ask_alerts(ASK_EVERY_SECONDS)
        self._logs = self._logs or more_logs

    def ask_logs(self) -> None:
        """Let the manual logs be taken that nobody has judged."""
        self._logs = True

    def ask_alerts(self, seconds: float = 0.0) -> None:
        """Let the alerts that wait be looked at again."""
        self._ask_at = min(self._ask_at, time.monotonic() + seconds)

    def seconds_left(self, writer: Writer | None) -> float:
        """Return how long nothing needs to be done if no message comes."""
        now = time.monotonic()
        if not self.listening:
            return max(0.0, self._last_full + MARKER_PATIENCE_SECONDS - now)
        if self._logs:
            return 0.0
        left = min(self._last_beat + HEARTBEAT_SECONDS, self._ask_at) - now
        due = writer.next_due() if writer is not None else None
        if due is not None:
            until_due = (due - datetime.now(UTC)) / timedelta(seconds=1)
            left = min(left, max(until_due, self._last_due + DUE_EVERY_SECONDS - now))
        return max(0.0, left)
