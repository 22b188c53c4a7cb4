"""Rows of the feed made by hand, a transport that keeps what is written, and subscribers on it."""

import time
from typing import Any
from uuid import UUID

import orjson
from prometheus_client import CollectorRegistry

from api.feed.frames import Frame
from api.feed.hub import Hub
from api.feed.subscriber import Subscriber
from api.feed.voices import SOCKET
from api.feed.window import Window
from api.metrics import FeedMetrics
from api.principals import Principal
from frostguard.domain.access import Role
from frostguard.domain.unit_state import UnitState
from frostguard.store.feed import Row
from frostguard.wire.feed import ACCESS, EVENTS, READINGS, UNITS, encode_batch
from tests.factories import identity, make_reading
from tests.fakes import NOON

ORG, SITE, UNIT, USER, SESSION = (identity(name) for name in ("org", "site", "unit", "user", "session"))
OTHER_ORG, OTHER_SITE, OTHER_UNIT = identity("other org"), identity("other site"), identity("other unit")
AT = "2026-11-22T12:00:00Z"
PLACES = [
    {"unit": str(UNIT), "organization": str(ORG), "site": str(SITE)},
    {"unit": str(OTHER_UNIT), "organization": str(OTHER_ORG), "site": str(OTHER_SITE)},
]


def readings(first: int, *celsius: float, unit: UUID = UNIT, newest: bool = True) -> Row:
    rows = [(make_reading(n, value, unit_id=unit), newest) for n, value in enumerate(celsius)]
    return Row(first, first + len(rows) - 1, READINGS, encode_batch(rows, (), (), None))


def standing(first: int, status: str = "excursion", unit: UUID = UNIT) -> Row:
    state = UnitState(unit)
    state.status = status  # type: ignore[assignment]
    return Row(first, first, READINGS, encode_batch((), [state], (), None))


def backlog(first: int, unit: UUID = UNIT) -> Row:
    state = UnitState(unit)
    state.measured_at, state.celsius = NOON, 4.0
    return Row(first, first, READINGS, encode_batch((), (), [(state.unit_id, state.measured_at, state.celsius)], NOON))


def alert(first: int, *marks: str, organization: UUID = ORG, unit: UUID | None = UNIT) -> Row:
    pieces = []
    for mark in marks:
        columns = dict.fromkeys(("celsius", "low", "high", "extreme_celsius"))
        row = {**columns, "id": mark, "opened_at": "2026-11-22T12:00:00Z"}
        step = {"action": "opened"}
        pieces.append([str(organization), None if unit is None else str(unit), "alert", AT, step, row])
    return Row(first, first + len(pieces) - 1, EVENTS, orjson.dumps(pieces))


def fact(first: int, kind: str = "door_opened", unit: UUID = UNIT, organization: UUID = ORG) -> Row:
    piece = [str(organization), str(unit), kind, "2026-11-22T12:00:00Z", {"celsius": 4.0}, None]
    return Row(first, first, EVENTS, orjson.dumps([piece]))


def moved(first: int, now: tuple[UUID, UUID] | None, before: tuple[UUID, UUID] | None, unit: UUID = UNIT) -> Row:
    here = [None] * 7 if now is None else [*map(str, now), str(identity("area")), "Name", "fridge", 0, AT]
    there = [None, None] if before is None else list(map(str, before))
    return Row(first, first, UNITS, orjson.dumps([[str(unit), *here, *there]]))


def access(first: int, what: str) -> Row:
    return Row(first, first, ACCESS, what.encode())


class FakeTransport:
    """Takes all, or nothing while it is `stuck`."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.waiting = 0
        self.stuck = False
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written.append(data)
        if self.stuck:
            self.waiting += len(data)

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def is_closing(self) -> bool:
        return self.closed

    def abort(self) -> None:
        self.closed = True


class Listener(Subscriber):
    """A subscriber whose frames can be looked at."""

    transport: Any

    def __init__(self, *organizations: UUID, user: UUID = USER, session: UUID = SESSION) -> None:
        roles = dict.fromkeys(organizations or (ORG,), Role.VIEWER)
        principal = Principal(user, session, "a@example.com", time.time() + 3600, None, roles)
        super().__init__(FakeTransport(), SOCKET, principal, time.time() + 3600)  # type: ignore[arg-type]

    @property
    def frames(self) -> list[dict[str, Any]]:
        found = []
        for data in self.transport.written:
            size, at = data[1], 2
            if size == 126:
                size, at = int.from_bytes(data[2:4]), 4
            elif size == 127:
                size, at = int.from_bytes(data[2:10]), 10
            if data[0] == 0x81:
                found.append(orjson.loads(data[at : at + size]))
        return found


def make_hub(size: int = 1_000_000, position: int = 100) -> Hub:
    hub = Hub(Window(size), FeedMetrics(CollectorRegistry()), lambda kind, key: hub.hold(kind, key))  # noqa: PLW0108
    hub.begin(PLACES, [], position)
    return hub


def listener(hub: Hub, *topics: Any, **more: Any) -> Listener:
    """One who is up to date and listens to these topics."""
    made = Listener(*more.pop("organizations", ()), **more)
    hub.enter(made)
    for topic in topics:
        home = OTHER_ORG if topic.id in {str(OTHER_ORG), str(OTHER_SITE), str(OTHER_UNIT)} else ORG
        hub.subscribe(made, topic, home, hub.window.newest)
    return made


__all__ = ["Frame", "Listener", "listener", "make_hub"]
