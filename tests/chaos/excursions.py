"""Excursions by the hundred: gateways whose units swing in and out of limits by a plan, and what must come of it.

Event time runs in the past, a minute at a tick, under report intervals so long that no silence is in it: what must be
on record follows from the plan alone. Beside them are mortals: units that report by the present clock and then fall
silent for good.
"""

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import aiomqtt
import orjson
import psycopg

from frostguard.config import DatabaseSettings
from frostguard.domain.alert import Alert, AlertType
from frostguard.domain.event import Event
from frostguard.domain.judge import VERDICTS, judge
from frostguard.domain.reading import Reading
from frostguard.domain.rules import Rules
from frostguard.domain.unit import observe
from frostguard.domain.unit_state import UnitState
from frostguard.replay import Report, verify
from frostguard.store import fleet
from frostguard.store.connection import connect
from frostguard.units import build_units
from tests.chaos.rig import ORGANIZATION, PASSWORD, Rig

TOGETHER = 10  # readings in a message
MORTALS = 10  # units of the last gateway that fall silent

SETTINGS = """
update units u set settings = settings || jsonb_build_object(
  'high', 5, 'low', -1, 'hysteresis', 0.5, 'critical_high', 20, 'confirm_seconds', 120, 'confirm_open_seconds', 240,
  'door_grace_seconds', 60, 'door_warning_seconds', 604800, 'door_critical_seconds', 604800,
  'reopen_minutes', case when u.name < '8' then 0 else 15 end)
"""
LONG_INTERVALS = "update sensors set report_interval_seconds = 604800"
MORTAL = """
with chosen as (select s.id, s.unit_id from sensors s where s.serial = any(%s)),
     short as (update sensors set report_interval_seconds = 1 where id in (select id from chosen))
update units set settings = settings || '{"late_missed": 2, "interrupted_missed": 3, "slack_seconds": 1}'
 where id in (select unit_id from chosen)
"""
RECORDED = """
select s.serial, a.alert_type::text, a.severity::text, a.opened_at, a.resolved_at, a.extreme_celsius
  from alerts a join sensors s on s.unit_id = a.unit_id
"""

Line = tuple[str, str, str, datetime, datetime | None, float | None]


@dataclass(frozen=True)
class Judgement:
    """What the record lacks, has too much, and how the replay of the stored readings differs from it."""

    alerts: int
    missing: int
    spurious: int
    report: Report

    @property
    def faults(self) -> dict[str, int]:
        found = {
            "missing": self.missing, "spurious": self.spurious, "differences": len(self.report.differences),
            "incomparable": len(self.report.incomparable),
        }  # fmt: skip
        return {name: count for name, count in found.items() if count}


@dataclass
class Plan:
    """What each sensor says: made up as it is sent. `sent` is in the order of sending."""

    rig: Rig
    start: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0) - timedelta(hours=20))
    sent: dict[str, list[dict]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        gateways = self.rig._fleet()["gateways"]
        self.gateways = {g["id"]: [s["serial"] for s in g["sensors"]] for g in gateways}
        last = list(self.gateways)[-1]
        self.mortal_gateway = last
        self.mortals = self.gateways[last][:MORTALS]
        self.gateways[last] = self.gateways[last][MORTALS:]
        self.out: dict[str, bool] = {}
        with psycopg.connect(self.rig.database, autocommit=True) as c:
            c.execute(SETTINGS)
            c.execute(LONG_INTERVALS)
            c.execute(MORTAL, (self.mortals,))

    def readings(self, serials: list[str], tick: int) -> list[dict]:
        """One reading of each of these sensors."""
        at = self.start + timedelta(minutes=tick)
        made = []
        for serial in serials:
            reading = {"sensor": serial, "at": at.isoformat(), **self._values(serial)}
            self.sent.setdefault(serial, []).append(reading)
            made.append(reading)
        return made

    def _values(self, serial: str) -> dict[str, object]:
        """Swing in and out of limits; sometimes hesitate, break, open the door, lose charge."""
        if random.random() < 0.25:
            self.out[serial] = not self.out.get(serial, False)
        roll = random.random()
        if roll < 0.02:
            return {"temperature": 327.67}
        celsius = random.uniform(5.1, 12) if self.out.get(serial) else random.uniform(-0.4, 4.4)
        if roll < 0.06:
            celsius = random.choice([4.8, 25.0, -5.0])
        values: dict[str, object] = {"temperature": round(celsius, 2)}
        if roll > 0.9:
            values["doorOpen"] = roll > 0.95
        elif roll > 0.8:
            values["batteryPercent"] = random.choice([5, 15, 22, 80])
        return values


class Publisher(threading.Thread):
    """Sends the plan at a rate, a connection for each gateway, until it is told to stop."""

    def __init__(self, plan: Plan, rate: int) -> None:
        super().__init__(daemon=True)
        self.plan = plan
        units = sum(map(len, plan.gateways.values()))
        self._tick_seconds = units / rate
        self._stopping = threading.Event()
        self._mortals_until = float("inf")
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            asyncio.run(self._publish())
        except BaseException as error:  # noqa: BLE001 - told to the test, which waits for us
            self.error = error

    def stop(self) -> None:
        """Finish the ticks that are begun, and wait until the broker has taken everything."""
        self._stopping.set()
        self.join(60)
        assert self.error is None, self.error
        assert not self.is_alive()

    def end_mortals(self) -> None:
        self._mortals_until = 0.0

    async def _publish(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for gateway, serials in self.plan.gateways.items():
                tasks.create_task(self._gateway(gateway, serials))

    async def _gateway(self, gateway: str, serials: list[str]) -> None:
        topic = f"frostguard/v1/{ORGANIZATION}/{gateway}/readings"
        begun = time.monotonic()
        async with aiomqtt.Client(
            "127.0.0.1", self.plan.rig.broker.port, username=gateway, password=PASSWORD, identifier=gateway,
            protocol=aiomqtt.ProtocolVersion.V5,
        ) as client:  # fmt: skip
            tick = 0
            while not self._stopping.is_set():
                for start in range(0, len(serials), TOGETHER):
                    made = self.plan.readings(serials[start : start + TOGETHER], tick)
                    await client.publish(topic, orjson.dumps({"readings": made}), qos=1)
                if gateway == self.plan.mortal_gateway and time.monotonic() < self._mortals_until:
                    now = datetime.now(UTC).isoformat()
                    made = [{"sensor": s, "at": now, "temperature": 4.0} for s in self.plan.mortals]
                    await client.publish(topic, orjson.dumps({"readings": made}), qos=1)
                tick += 1
                await asyncio.sleep(max(0.0, begun + tick * self._tick_seconds - time.monotonic()))


def expected(plan: Plan, rules: dict[str, Rules]) -> Iterator[Line]:
    """Fold everything that was sent, reading by reading: the alerts that must be on record, and no others."""
    for serial, readings in plan.sent.items():
        of_unit = rules[serial]
        state, newest, alerts = UnitState(UUID(int=0)), dict[AlertType, Alert](), dict[UUID, Alert]()
        for raw in readings:
            said = observe(state, _reading(of_unit, raw), of_unit)
            for change in judge(state.unit_id, _speaking(said), newest, of_unit.limits):
                newest[change.alert.type] = alerts[change.alert.id] = change.alert
        for alert in alerts.values():
            yield serial, alert.type.value, alert.severity.word, alert.opened_at, alert.resolved_at, alert.extreme


def _speaking(said: list[Event] | tuple[Event, ...]) -> list[Event]:
    return [event for event in said if VERDICTS[event.kind]]


def _reading(rules: Rules, raw: dict) -> Reading:
    assert rules.primary is not None
    at = datetime.fromisoformat(raw["at"])
    celsius, fault = raw["temperature"], None
    if celsius > rules.sensor(rules.primary).range_high:
        celsius, fault = None, "out_of_range"
    return Reading(
        UUID(int=0), at, rules.primary, 0, at, celsius, door_open=raw.get("doorOpen"),
        battery_percent=raw.get("batteryPercent"), fault=fault,
    )  # fmt: skip


async def _look(database: str) -> tuple[Report, dict[str, Rules]]:
    connection = await connect(DatabaseSettings(url=database, command_timeout=120), "judgement")
    try:
        report = await verify(connection)
        sensors = await fleet.sensors(connection)
        units = build_units(await fleet.units(connection), sensors, {})
        return report, {row["serial"]: units[row["unit_id"]].rules for row in sensors}
    finally:
        await connection.close()


def judgement(plan: Plan) -> Judgement:
    """Judge what is on record: against what was sent, and against what is stored."""
    report, rules = asyncio.run(_look(plan.rig.database))
    with psycopg.connect(plan.rig.database) as c:
        recorded = Counter(row for row in c.execute(RECORDED).fetchall() if row[0] not in plan.mortals)
    wanted = Counter(expected(plan, rules))
    return Judgement(
        alerts=recorded.total(),
        missing=(wanted - recorded).total(),
        spurious=(recorded - wanted).total(),
        report=report,
    )


def silent_mortals(plan: Plan) -> list[int]:
    """How often each mortal's present silence is on record; one before it may be a pause of the publisher's own."""
    with psycopg.connect(plan.rig.database, autocommit=True) as c:
        return [row[0] for row in c.execute(
            """select count(a.id) filter (where a.alert_type = 'monitoring_interrupted' and a.resolved_at is null)
                 from sensors s left join alerts a on a.unit_id = s.unit_id where s.serial = any(%s) group by s.id""",
            (plan.mortals,),
        )]  # fmt: skip
