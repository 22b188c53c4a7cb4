"""A few units lived through in fast motion: the daemon's own writer on a real PostgreSQL, by a clock of ours.

What arrives, when, in which order, how it is cut into batches, when the daemon is away, what people do: all of it
follows from a seed.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from frostguard.config import DatabaseSettings
from frostguard.domain.alert import acknowledge, resolve_by_person
from frostguard.domain.reading import Reading
from frostguard.store import alerts
from frostguard.store.connection import Connection, connect
from ingest.batch import Batch
from ingest.fleet import Fleet
from ingest.writer import Writer
from tests.factories import GATEWAY, Planted, one, plant

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
BEGIN = (datetime.now(UTC) - timedelta(days=3)).replace(hour=6, minute=0, second=0, microsecond=0)
INTERVAL = 300
SERIALS = ("primary", "door", "left", "right", "strict", "strict-door")


def plant_units(database: str) -> Planted:
    """Three units: a primary sensor and a door; two sensors of which either counts; one with strict settings."""
    planted = plant(database, gateways=[GATEWAY], sensors=SERIALS)
    first, second, third = (planted.units[name] for name in ("primary", "left", "strict"))
    planted.units.update({"door": first, "right": second, "strict-door": third})
    with psycopg.connect(database) as c:
        for name, unit in planted.units.items():
            c.execute(
                """update sensors set unit_id = %s, assigned_at = %s, gateway_id = %s, report_interval_seconds = %s,
                          is_primary = %s, kind = %s where serial = %s""",
                (unit, BEGIN, planted.gateways[GATEWAY], INTERVAL, name in {"primary", "strict"},
                 "door" if "door" in name else "combo", name),
            )  # fmt: skip
        c.execute(
            "update units set settings = %s where id = %s",
            (
                '{"critical_high": 9, "critical_confirm_seconds": 120, "confirm_seconds": 900, "reopen_minutes": 30}',
                third,
            ),
        )
        c.execute("delete from units where not exists (select from sensors s where s.unit_id = units.id)")
        for table in ("organizations", "sites", "units", "sensors"):
            c.execute(f"update {table} set updated_at = %s", (BEGIN,))
    return planted


class Clock:
    """What the writer takes for the time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = BEGIN
        clock = self

        class Stand(datetime):
            @classmethod
            def now(cls, tz=None):  # noqa: ARG003 - as the real one
                return clock.at

        monkeypatch.setattr("ingest.writer.datetime", Stand)


class Weather:
    """What the sensors of one unit measure, and how it travels: a list of (arrives, reading)."""

    def __init__(self, rng: random.Random, planted: Planted, hours: float) -> None:
        self._rng, self._planted = rng, planted
        self._end = BEGIN + timedelta(hours=hours)
        self._seq = 0
        self.mail: list[tuple[datetime, Reading]] = []
        for names in (("primary", "door"), ("left", "right"), ("strict", "strict-door")):
            self._unit(names)
        self.mail.sort(key=lambda item: item[0])

    def _spans(self, chance: float, shortest: float, longest: float) -> list[tuple[datetime, datetime]]:
        """Non-overlapping spans, about `chance` of them an hour."""
        found, at = [], BEGIN
        while (at := at + MINUTE * self._rng.expovariate(chance / 60)) < self._end:
            end = at + MINUTE * self._rng.uniform(shortest, longest)
            found.append((at, end))
            at = end
        return found

    def _unit(self, names: tuple[str, str]) -> None:
        self.warm = self._spans(0.6, 3, 70)
        self.doors = self._spans(0.7, 1, 30)
        for name in names:
            self.silent, self.held, self.strange = (
                self._spans(0.12, 6, 200), self._spans(0.15, 5, 90), self._spans(0.1, 1, 40)
            )  # fmt: skip
            self._percent = 60
            for at in self._moments(name):
                self._measure(name, at)

    def _moments(self, name: str) -> Iterator[datetime]:
        at = BEGIN + SECOND * self._rng.uniform(0, INTERVAL)
        changes = sorted(moment for span in self.doors for moment in span) if "door" in name else []
        while at < self._end:
            yield at
            following = at + SECOND * (INTERVAL + self._rng.choice([0, 0, 0, -2, 3, 25]))
            yield from (change for change in changes if at < change < following)
            at = following

    def _measure(self, name: str, at: datetime) -> None:
        if inside(self.silent, at):
            return
        self._seq += 1
        rng, is_open = self._rng, inside(self.doors, at)
        values: dict[str, object] = {}
        if "door" in name:
            values["door_open"] = is_open
        elif inside(self.strange, at):
            values["fault"] = "no_probe"
        else:
            low, high = (5.2, 11.0) if inside(self.warm, at) else (1.0, 4.9)
            values["temperature"] = round(rng.uniform(low, high), 2)
        if rng.random() < 0.3:
            self._percent = max(3, self._percent - rng.randint(0, 9)) if rng.random() < 0.9 else 90
            values["battery_percent"] = self._percent
        unit, sensor = self._planted.units[name], self._planted.sensors[name]
        row = Reading(unit, at, sensor, self._seq, at, **values)  # type: ignore[arg-type]
        self._post(row)
        if rng.random() < 0.02:  # a clock that stepped back
            self._seq += 1
            self._post(row._replace(seq=self._seq))

    def _post(self, row: Reading) -> None:
        """Most comes at once, some is kept by the gateway for a while, some is late by itself, some comes twice."""
        rng = self._rng
        arrives = row.recorded_at + SECOND * rng.uniform(0.1, 2)
        for begin, end in self.held:
            if begin <= arrives < end:
                arrives = end + SECOND * rng.uniform(0, 3)
        if rng.random() < 0.03:
            arrives += MINUTE * rng.uniform(0.5, 120)
        self.mail.append((arrives, row))
        if rng.random() < 0.03:
            self.mail.append((arrives + MINUTE * rng.uniform(0, 60), row))


def inside(spans: list[tuple[datetime, datetime]], at: datetime) -> bool:
    return any(begin <= at < end for begin, end in spans)


class Life:
    """The daemon's writer through all of it."""

    def __init__(self, database: str, planted: Planted, clock: Clock, seed: int, hours: float = 10) -> None:
        self._rng = random.Random(seed)
        self._settings = DatabaseSettings(url=database, command_timeout=10)
        self._database, self._clock = database, clock
        self._units = sorted(set(planted.units.values()))
        self._mail = Weather(self._rng, planted, hours).mail
        self._end = BEGIN + timedelta(hours=hours)
        self._fleet = Fleet()
        self._writer: Writer | None = None
        self._user: UUID | None = None
        self.commits = 0

    async def live(self) -> None:
        """Live to the end; the daemon has stopped then."""
        await self._open()
        mail, away = self._mail, self._away()
        deaf_until: datetime | None = BEGIN
        for begin, end in [*away, (self._end, self._end)]:
            while mail and mail[0][0] < begin:
                await self._take_some(min(begin, mail[0][0] + SECOND * self._rng.uniform(0, 2)), deaf_until)
                deaf_until = None
            await self._tick(begin)
            await self._commit(begin, Batch(listening=deaf_until is None, heartbeat=True))
            deaf_until = end
            self._clock.at = end
            if self._rng.random() < 0.7:
                await self._close()
                await self._open()
        await self._close()

    def _away(self) -> list[tuple[datetime, datetime]]:
        times = sorted(self._rng.uniform(0.05, 0.95) for _ in range(8))
        at = [BEGIN + (self._end - BEGIN) * share for share in times]
        return list(zip(at[::2], at[1::2], strict=True))

    async def _take_some(self, upto: datetime, deaf_until: datetime | None) -> None:
        """Take what came up to a moment; behind an outage first the backlog, in pieces."""
        if deaf_until is not None:
            while self._mail and self._mail[0][0] < deaf_until:
                piece = self._cut(deaf_until, self._rng.choice([1, 3, 10, 40, 200]), deaf_until)
                deaf_until += SECOND * self._rng.uniform(0.01, 0.5)
                await self._commit(deaf_until, Batch(rows=piece, redelivered=True))
            deaf_until += SECOND
            await self._commit(deaf_until, Batch(drained=True))
            upto = max(upto, deaf_until)
        await self._tick(upto)
        rows = self._cut(upto, 1000)
        if rows:
            batch = Batch(rows=rows, listening=True, redelivered=self._rng.random() < 0.1)
            batch.ask_logs = await self._log(upto)
            batch.due_units, batch.due_gateways = self._the_writer.due(upto, batch)
            await self._commit(upto, batch)
            await self._people(upto)

    def _cut(self, upto: datetime, most: int, received_at: datetime | None = None) -> list[Reading]:
        rows = []
        while self._mail and self._mail[0][0] < upto and len(rows) < most:
            arrived, row = self._mail.pop(0)
            rows.append(row._replace(received_at=received_at or arrived))
        return rows

    async def _tick(self, upto: datetime) -> None:
        """Wake at every deadline before a moment, up to a second late."""
        while (due := self._the_writer.next_due()) is not None:
            at = max(due, self._clock.at) + SECOND * self._rng.uniform(0, 1)
            if at >= upto:
                return
            batch = Batch(listening=True)
            batch.due_units, batch.due_gateways = self._the_writer.due(at, batch)
            await self._commit(at, batch)

    async def _commit(self, at: datetime, batch: Batch) -> None:
        self._clock.at = max(at, self._clock.at)
        await self._the_writer.commit(batch)
        self.commits += 1

    async def _log(self, now: datetime) -> bool:
        if self._rng.random() > 0.03:
            return False
        logged_at = now - MINUTE * self._rng.uniform(0, 30)
        with psycopg.connect(self._database, autocommit=True) as c:
            c.execute(
                """insert into manual_logs (organization_id, unit_id, logged_at, created_at, celsius)
                   select organization_id, id, %s, %s, %s from units where id = %s""",
                (logged_at, now, self._rng.choice([3.0, 8.0]), self._rng.choice(self._units)),
            )
        return True

    async def _people(self, now: datetime) -> None:
        """Now and then somebody acknowledges or resolves an open alert."""
        if self._rng.random() > 0.04:
            return
        connection = await connect(self._settings, "people")
        async with connection.transaction():
            row = await connection.fetchrow(
                """select id, organization_id from alerts
                    where resolved_at is null and unit_id is not null order by id limit 1"""
            )
            found = row and await alerts.lock(connection, row["organization_id"], row["id"])
            if found:
                await self._move(connection, found, now)
        await connection.close()

    async def _move(self, connection: Connection, found: alerts.Located, now: datetime) -> None:
        alert, subject = found
        if self._user is None:
            with psycopg.connect(self._database) as c:
                self._user = one(c, "insert into users (email) values ('someone@example.org') returning id")
        if self._rng.random() < 0.5:
            change = acknowledge(alert, self._user, now)
        else:
            change = resolve_by_person(alert, self._user, now, holds=False)
        if change is not None:
            await alerts.save(connection, [change], {subject.id: subject})

    # --- the daemon's process

    @property
    def _the_writer(self) -> Writer:
        assert self._writer is not None
        return self._writer

    async def _open(self) -> None:
        self._writer = await Writer.open(self._settings, self._fleet)
        await self._fleet.load(self._writer.connection)
        self._writer.reschedule()

    async def _close(self) -> None:
        await self._the_writer.connection.close()
