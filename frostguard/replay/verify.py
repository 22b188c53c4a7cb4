"""Compare what the stored facts come to with the states and alerts on record."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from frostguard.domain.alert import Alert, AlertType, alert_id
from frostguard.domain.unit_state import SensorRow, UnitRow, UnitState, pack, pack_sensors
from frostguard.replay.reference import Expected, fold_units
from frostguard.store import replay as table
from frostguard.store.connection import Connection, Record

ABSENT = "nothing"
COMPARED = ("type", "severity", "opened_at", "resolved_at", "began_at", "celsius", "extreme", "backfilled")


class Difference(NamedTuple):
    """One thing that is other than it should be. `what`: state, sensor ID or alert TYPE; `field` of it, or `row`."""

    unit_id: UUID
    what: str
    field: str
    expected: Any
    recorded: Any


@dataclass(slots=True)
class Report:
    """What was compared and found. `incomparable`: why a unit could not be judged; `imported`: alerts left out."""

    units: int = 0
    readings: int = 0
    alerts: int = 0
    imported: int = 0
    differences: list[Difference] = field(default_factory=list)
    incomparable: dict[UUID, str] = field(default_factory=dict)


async def verify(connection: Connection, units: Sequence[UUID] | None = None) -> Report:
    """Fold these units (None: all) in one snapshot and compare; nothing is written."""
    async with table.snapshot(connection):
        scope = await table.scope(connection)
        return await verify_units(connection, [row for row in scope if units is None or row["id"] in units])


async def verify_units(
    connection: Connection, scope: Sequence[Record], opened_since: datetime = table.EARLIEST
) -> Report:
    """Do the same inside the caller's snapshot; alerts are compared that opened at a moment or later."""
    report = Report()
    owners = {row["id"]: row["organization_id"] for row in scope}
    began = {owner: await table.listened_since(connection, owner) for owner in set(owners.values())}
    async for expected in fold_units(connection, scope):
        report.units += 1
        report.readings += expected.readings
        if expected.incomparable is not None:
            report.incomparable[expected.unit_id] = expected.incomparable
            continue
        recorded = await table.recorded_alerts(connection, expected.unit_id)
        own = [row for row in recorded if not is_imported(expected.unit_id, row, began[owners[expected.unit_id]])]
        report.imported += len(recorded) - len(own)
        report.alerts += len(own)
        report.differences += _alerts(
            expected.unit_id,
            {key: alert for key, alert in expected.alerts.items() if alert.opened_at >= opened_since},
            {row["id"]: row for row in own if row["opened_at"] >= opened_since},
        )
        report.differences += _states(expected, *await table.recorded_state(connection, expected.unit_id))
    return report


def is_imported(unit_id: UUID, row: Record, listened_since: datetime | None) -> bool:
    """Whether an alert was brought along: its id does not follow from its facts, and it is older than our listening.

    Nobody brings historical ones: of them the id follows from how they were first taken.
    """
    is_ours = row["id"] == alert_id(unit_id, AlertType(row["type"]), row["opened_at"])
    return not is_ours and not row["backfilled"] and (listened_since is None or row["opened_at"] < listened_since)


def _states(expected: Expected, row: UnitRow | None, sensors: Mapping[UUID, SensorRow]) -> Iterable[Difference]:
    if row is None and not expected.readings and not expected.alerts:
        return ()  # nothing was ever heard of it
    return (*_state(expected.state, row), *_sensors(expected.state, sensors))


def _state(state: UnitState, recorded: UnitRow | None) -> Iterable[Difference]:
    if recorded is None:
        yield Difference(state.unit_id, "state", "row", state.status.value, ABSENT)
        return
    for name, due, there in zip(UnitRow._fields, pack(state), recorded, strict=True):
        if due != there:
            yield Difference(state.unit_id, "state", name, due, there)


def _sensors(state: UnitState, recorded: Mapping[UUID, SensorRow]) -> Iterable[Difference]:
    expected = {row.sensor_id: row for row in pack_sensors(state)}
    for sensor_id in {**expected, **recorded}:
        due, there = expected.get(sensor_id), recorded.get(sensor_id)
        what = f"sensor {sensor_id}"
        if due is None or there is None:
            yield Difference(state.unit_id, what, "row", due or ABSENT, there or ABSENT)
            continue
        for name, one, other in zip(SensorRow._fields, due, there, strict=True):
            if one != other:
                yield Difference(state.unit_id, what, name, one, other)


def _alerts(unit_id: UUID, expected: Mapping[UUID, Alert], recorded: Mapping[UUID, Record]) -> Iterable[Difference]:
    for key, alert in expected.items():
        row = recorded.get(key)
        due = facts_of(alert)
        what = f"alert {alert.type}"
        if row is None:
            yield Difference(unit_id, what, "row", f"opened {alert.opened_at}", ABSENT)
            continue
        for name in COMPARED:
            if due[name] != row[name]:
                yield Difference(unit_id, what, name, due[name], row[name])
    for key, row in recorded.items():
        if key not in expected:
            yield Difference(unit_id, f"alert {row['type']}", "row", ABSENT, f"opened {row['opened_at']}")


def facts_of(alert: Alert) -> dict[str, Any]:
    """Return what physics decides of an alert, in the words of its row. People's steps are not among it.

    Whether it is open follows from `resolved_at`; who acknowledged it, what was told and what speaks for it do not
    follow from readings.
    """
    return {
        "type": alert.type.value,
        "severity": alert.severity.word,
        "opened_at": alert.opened_at,
        "resolved_at": alert.resolved_at,
        "began_at": alert.began_at,
        "celsius": alert.celsius,
        "extreme": alert.extreme,
        "backfilled": alert.backfilled,
    }
