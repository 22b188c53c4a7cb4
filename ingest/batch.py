"""What one transaction will hold: rows, what could not be used, and the messages that it settles. Plain data."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from uuid import UUID

from frostguard.domain.reading import Reading
from frostguard.store.dead_letters import DeadLetter
from ingest.watermarks import Key

_UNIT, _TIME = itemgetter(0), itemgetter(1)


def in_table_order(rows: Iterable[Reading]) -> list[Reading]:
    """Return rows in the order of the table's key: unit by unit, each in event time; of equal times as they came.

    So they are judged, and PostgreSQL takes them in with a third less work: neighbours go to the same index page.
    """
    units: defaultdict[UUID, list[Reading]] = defaultdict(list)
    for row in rows:
        units[row[0]].append(row)
    for of_unit in units.values():
        of_unit.sort(key=_TIME)
    return [row for unit in sorted(units) for row in units[unit]]


@dataclass(slots=True)
class Batch:
    """Filled by the intake, written by the writer, acknowledged by the daemon."""

    rows: list[Reading] = field(default_factory=list)
    # Readings of pending sensors, whose unit_id is the sensor's own id until there is a unit.
    held: list[Reading] = field(default_factory=list)
    # Sensors that nobody has registered: (organization, serial) -> (id, organization, gateway, serial, first seen).
    pending: dict[tuple[UUID, str], tuple[UUID, UUID, UUID, str, datetime]] = field(default_factory=dict)
    letters: list[DeadLetter] = field(default_factory=list)
    # (source, hour, reason) -> messages beyond the cap.
    overflows: Counter[tuple[str, datetime, str]] = field(default_factory=Counter)
    # Of every message, in order of arrival.
    packet_ids: list[int] = field(default_factory=list)
    # Numbers that this batch settles, and the oldest number that a gateway says it still holds.
    numbers: dict[Key, list[int]] = field(default_factory=dict)
    oldest: dict[Key, int] = field(default_factory=dict)
    # Birth messages and last wills; gateways heard.
    statuses: dict[UUID, tuple[bool, datetime]] = field(default_factory=dict)
    heard: dict[UUID, datetime] = field(default_factory=dict)
    # Sensors that have a unit now and may have held readings.
    assigned: set[UUID] = field(default_factory=set)
    # Dead letters taken through again: what became of each.
    replayed: list[int] = field(default_factory=list)
    replay_refused: list[tuple[int, str, str]] = field(default_factory=list)
    # Whether the broker marked one of them as sent before.
    redelivered: bool = False
    # Every gateway that spoke, by our clock.
    spoke: dict[UUID, datetime] = field(default_factory=dict)
    # Those of them that sent what they had kept.
    behind: dict[UUID, datetime] = field(default_factory=dict)
    # Who is due, whose rules have changed, and what else the machines are to look at.
    due_units: list[UUID] = field(default_factory=list)
    due_gateways: list[UUID] = field(default_factory=list)
    changed_units: set[UUID] = field(default_factory=set)
    ask_logs: bool = False
    ask_alerts: bool = False
    # Messages that came by HTTP, by their number in the inbox.
    inbox: list[int] = field(default_factory=list)
    # The marker came back; we hear everything (the backlog is drained); this batch ends the backlog; a sign of life.
    marked: bool = False
    listening: bool = False
    drained: bool = False
    # The preparation of a next layout that came before all that was marked; 0: none.
    preparation: int = 0
    heartbeat: bool = False
    messages: int = 0
    readings: int = 0
    faults: int = 0
    unknown_fields: int = 0
    opened_at: float = 0.0  # monotonic clock

    def __bool__(self) -> bool:
        """Whether there is anything to write or to acknowledge."""
        return bool(
            self.messages or self.inbox or self.assigned or self.replayed or self.replay_refused or self.due_units
            or self.due_gateways or self.changed_units or self.ask_logs or self.ask_alerts or self.heartbeat
            or self.drained or self.marked
        )  # fmt: skip
