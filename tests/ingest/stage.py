"""Judging by hand: a real database, the daemon's writer, and a clock that moves when it is told to.

Stories are written as in tests/domain/stories.py: `"0:4 5:8 15:8"` are minutes after noon and degrees of the unit's
sensor; `open`, `closed`, `fault`, `battery=15` and `tick` are what they say.
"""

import contextlib
from collections.abc import AsyncIterator, Iterable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg
import pytest

from frostguard.config import DatabaseSettings
from frostguard.domain.reading import Reading
from frostguard.domain.unit_state import UnitState, pack
from frostguard.errors import LockLostError
from frostguard.store import states
from frostguard.store.connection import Connection, connect
from ingest.batch import Batch
from ingest.fleet import Fleet
from ingest.writer import Writer, Written
from tests.factories import Planted, make_reading, plant
from tests.fakes import NOON, Clock, until

LONG_BEFORE = NOON - timedelta(days=1)


def at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


def minute_of(moment: datetime | None) -> float | None:
    return None if moment is None else (moment - NOON) / timedelta(minutes=1)


def plant_fleet(url: str, units: int = 1, gateways: int = 1) -> Planted:
    """An organization whose settings are old; unit n has sensor `s<n>`, and the gateways share them in order."""
    names = [f"gw-{n}" for n in range(1, gateways + 1)]
    planted = plant(url, gateways=names, sensors=[f"s{n}" for n in range(units)])
    with psycopg.connect(url) as c:
        for n, serial in enumerate(planted.sensors):
            gateway = planted.gateways[names[n * gateways // units]]
            c.execute("update sensors set gateway_id = %s where serial = %s", (gateway, serial))
        for table in ("units", "sites", "organizations", "sensors"):
            c.execute(f"update {table} set updated_at = %s", (LONG_BEFORE,))
    return planted


class Stage:
    """One organization on stage."""

    def __init__(self, settings: DatabaseSettings, connection: Connection, planted: Planted) -> None:
        self.settings, self.connection, self.planted = settings, connection, planted
        self.clock = Clock()
        self.fleet = Fleet()
        self.writer: Writer = None  # type: ignore[assignment] # from `open` on
        self.units = list(planted.units.values())
        self.sensors = list(planted.sensors.values())
        self.gateways = list(planted.gateways.values())

    async def open(self) -> None:
        """Start, as the daemon does; or start again."""
        await self.fleet.load(self.connection)
        if self.writer is not None:
            self.writer.abandon()
        await until(self._opened, "the shard is free")

    async def _opened(self) -> bool:
        with contextlib.suppress(LockLostError):
            self.writer = await Writer.open(self.settings, self.fleet)
            return True
        return False

    @property
    def memory(self):
        return self.writer._memory

    def state(self, unit: int = 0) -> UnitState:
        return self.memory.units[self.units[unit]]

    def row(self, minute: float, celsius: float | None, unit: int = 0, **changes: Any) -> Reading:
        base = {"unit_id": self.units[unit], "sensor_id": self.sensors[unit], "received_at": self.clock()}
        return make_reading(0, celsius, recorded_at=at(minute), **(base | changes))

    def said(self, word: str, unit: int = 0) -> Reading:
        """One word of a story."""
        when, _, what = word.partition(":")
        fields: dict[str, dict[str, Any]] = {
            "open": {"door_open": True}, "closed": {"door_open": False}, "fault": {"fault": "no_probe"},
        }  # fmt: skip
        if what.startswith("battery="):
            return self.row(float(when), None, unit, battery_percent=int(what[8:]))
        if what in fields:
            return self.row(float(when), None, unit, **fields[what])
        return self.row(float(when), float(what), unit)

    async def commit(self, rows: Iterable[Reading] = (), **changes: Any) -> Written:
        """One batch, as the present clock would make it when everything is heard."""
        given = {"listening": True} | changes
        made = Batch(messages=1, rows=list(rows))
        for name, value in given.items():
            setattr(made, name, value)
        if made.listening:
            units, gateways = self.writer.due(self.clock(), made)
            made.due_units, made.due_gateways = units, gateways
        for row in made.rows:
            gateway = self.gateways[self.units.index(row.unit_id) * len(self.gateways) // len(self.units)]
            made.spoke[gateway] = self.clock()
        return await self.writer.commit(made)

    async def live(self, story: str, *units: int) -> Written | None:
        """Let each word come at its own minute, from these units (the first, if none is named)."""
        written = None
        for word in story.split():
            when, _, what = word.partition(":")
            await self.wait(float(when))
            if what != "tick":
                written = await self.commit([self.said(word, unit) for unit in units or (0,)])
        return written

    async def wait(self, minute: float, **changes: Any) -> Written:
        """Let time pass to a minute; what falls due on the way falls due at its own moment, as in a running daemon."""
        while (due := self.writer.next_due()) is not None and self.clock() < due <= at(minute):
            self.clock.at = due
            await self.commit()
        self.clock.at = max(self.clock.at, at(minute))
        return await self.commit(**changes)

    async def backlog(self, story: str, *units: int, minute: float | None = None) -> Written:
        """Let all of it come in one batch while nothing else is heard."""
        if minute is not None:
            self.clock.at = at(minute)
        return await self.commit([self.said(word, n) for n in units or (0,) for word in story.split()], listening=False)

    async def drain(self, minute: float | None = None) -> Written:
        """The marker has come back; and what waited for that is asked."""
        if minute is not None:
            self.clock.at = at(minute)
        await self.commit(listening=False, drained=True)
        return await self.commit(ask_alerts=True)

    async def change(self, text: str, *arguments: object) -> None:
        """Change a table as a person does now, and let the daemon take note."""
        await self.connection.execute(text, *arguments)
        changes = await self.fleet.load(self.connection)
        await self.commit(changed_units=set(changes.units))

    async def set(self, level: str = "organizations", **settings: float) -> None:
        """Change settings of every row of a level."""
        pairs = ", ".join(f"'{name}', {value}::double precision" for name, value in settings.items())
        text = f"update {level} set settings = settings || jsonb_build_object({pairs}), updated_at = $1"
        await self.change(text, self.clock())

    async def add_sensor(self, serial: str, kind: str = "temperature", unit: int = 0) -> UUID:
        """Another sensor of a unit, not its primary one, that has been there for long."""
        sensor: UUID = await self.connection.fetchval(
            """insert into sensors (organization_id, serial, kind, unit_id, assigned_at, updated_at)
               values ($1, $2, $3, $4, $5, $6) returning id""",
            self.planted.organization, serial, kind, self.units[unit], NOON, LONG_BEFORE,
        )  # fmt: skip
        await self.change("select 1")
        return sensor

    # --- what is on record

    async def alerts(self) -> list[str]:
        """Every alert as `type severity status opened-resolved`, in minutes; `*` marks a backfilled one."""
        rows = await self.connection.fetch("select * from alerts order by opened_at, alert_type, unit_id")
        return [
            f"{row['alert_type']}{'*' if row['backfilled'] else ''} {row['severity']} {row['status']}"
            f" {minute_of(row['opened_at']):g}-"
            + ("" if row["resolved_at"] is None else f"{minute_of(row['resolved_at']):g}")
            for row in rows
        ]

    async def told(self) -> list[str]:
        """Every notification as `type severity xTOGETHER`, in order."""
        rows = await self.connection.fetch(
            """select a.alert_type, n.severity, n.together from notification_outbox n join alerts a on a.id = n.alert_id
                order by n.id"""
        )
        return [f"{row[0]} {row[1]} x{row[2]}" for row in rows]

    async def events(self, *kinds: str) -> list[str]:
        """Events of the units, of these kinds, as `minute:kind`, in order of event time."""
        rows = await self.connection.fetch(
            "select at, kind from events where kind = any($1) or ($2 and kind <> 'alert') order by at, id",
            list(kinds), not kinds,
        )  # fmt: skip
        return [f"{minute_of(row[0]):g}:{row[1]}" for row in rows]

    async def alert_id(self, kind: str) -> UUID:
        found: UUID = await self.connection.fetchval("select id from alerts where alert_type = $1::alert_type", kind)
        return found

    async def stored_states(self) -> dict[UUID, UnitState]:
        return await states.load(self.connection)

    async def same_as_stored(self) -> None:
        """Memory says what the tables say."""
        for unit, state in (await self.stored_states()).items():
            assert image(state) == image(self.memory.units[unit])


def image(state: UnitState) -> tuple[object, ...]:
    """Everything that makes a state, to compare."""
    return pack(state), dict(state.every_sensor()), state.sensor and (state.sensor.id, state.seen_at, state.seen_seq)


@contextlib.asynccontextmanager
async def staged(url: str, monkeypatch: pytest.MonkeyPatch, units: int = 1, gateways: int = 1) -> AsyncIterator[Stage]:
    """A stage with a daemon's writer that has begun to listen at noon."""
    planted = plant_fleet(url, units, gateways)
    settings = DatabaseSettings(url=url, command_timeout=10)
    connection = await connect(settings, "test")
    one = Stage(settings, connection, planted)
    monkeypatch.setattr("ingest.writer.datetime", SimpleNamespace(now=lambda _zone: one.clock()))
    try:
        await one.open()
        await one.drain()
        yield one
    finally:
        if one.writer is not None:
            one.writer.abandon()
        await connection.close()
