"""The states of units and gateways: read at start, written with the readings that moved them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from frostguard.domain.gateway import Gateway
from frostguard.domain.run import NO_RUNS, Last
from frostguard.domain.shards import WHOLE, Shard
from frostguard.domain.unit_state import SensorRow, UnitRow, UnitState, pack, pack_sensors, unpack
from frostguard.store.connection import Connection, translated

PREFETCH = 2000

# Column names and array types, in the order of UnitRow.
_UNIT_COLUMNS = {
    "unit_id": "uuid", "status": "unit_status", "status_since": "timestamptz", "temperature_phase": "text",
    "temperature_since": "timestamptz", "excursion_began_at": "timestamptz", "critical_since": "timestamptz",
    "inside_count": "integer", "extreme_celsius": "double precision", "data_phase": "text", "data_since": "timestamptz",
    "logged_at": "timestamptz", "log_out_of_limits": "boolean", "door_open": "boolean", "door_since": "timestamptz",
    "door_level": "smallint", "battery_level": "smallint", "battery_since": "timestamptz", "faulty": "boolean",
    "fault_since": "timestamptz", "calibration_due_at": "timestamptz", "last_reading_at": "timestamptz",
    "last_reading_by": "uuid", "last_temperature": "double precision",
}  # fmt: skip
_SEEN_COLUMNS = {"seen_by": "uuid", "seen_at": "timestamptz", "seen_seq": "bigint"}
_COLUMNS = {**_UNIT_COLUMNS, **_SEEN_COLUMNS}
_NAMES = ", ".join(_COLUMNS)
_ARRAYS = ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(_COLUMNS.values(), 1))
_SET = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name != "unit_id")

LIST_UNIT_STATES = f"select {_NAMES} from unit_states"  # noqa: S608 - our own constants, here and below

LIST_SENSOR_STATES = """
select unit_id, sensor_id, last_at, last_seq, battery_percent, battery_level, fault, door_open from sensor_states
"""

LIST_UNIT_STATES_OF_SHARD = f"{LIST_UNIT_STATES} where $2 = 1 or shard_of(organization_id, $2) = $1"

LIST_SENSOR_STATES_OF_SHARD = f"""
{LIST_SENSOR_STATES}
 where $2 = 1 or unit_id in (select id from units where shard_of(organization_id, $2) = $1)
"""  # noqa: S608

SAVE_UNIT_STATES = f"""
insert into unit_states ({_NAMES}, organization_id)
select n.*, u.organization_id from unnest({_ARRAYS}) n ({_NAMES}) join units u on u.id = n.unit_id
on conflict (unit_id) do update set {_SET}
"""  # noqa: S608

# What a dull reading changes, which is nearly all of them.
TOUCH_UNIT_STATES = """
update unit_states s
   set last_reading_at = n.at, last_temperature = n.celsius, seen_at = n.at, seen_seq = n.seq
  from unnest($1::uuid[], $2::timestamptz[], $3::double precision[], $4::bigint[]) n (unit_id, at, celsius, seq)
 where s.unit_id = n.unit_id
"""

SAVE_SENSOR_STATES = """
insert into sensor_states (unit_id, sensor_id, last_at, last_seq, battery_percent, battery_level, fault, door_open)
select n.* from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::bigint[], $5::smallint[], $6::smallint[],
                       $7::text[], $8::boolean[])
            n (unit_id, sensor_id, last_at, last_seq, battery_percent, battery_level, fault, door_open)
  join units u on u.id = n.unit_id join sensors s on s.id = n.sensor_id
on conflict (unit_id, sensor_id) do update
   set last_at = excluded.last_at, last_seq = excluded.last_seq, battery_percent = excluded.battery_percent,
       battery_level = excluded.battery_level, fault = excluded.fault, door_open = excluded.door_open
"""

FORGET_SENSORS = """
delete from sensor_states s using unnest($1::uuid[], $2::uuid[]) n (unit_id, sensor_id)
 where s.unit_id = n.unit_id and s.sensor_id = n.sensor_id
"""

LIST_GATEWAY_STATES = """
select gateway_id, last_heard_at, lost_at, silent_since from gateway_states
 where $2 = 1 or gateway_id in (select id from gateways where shard_of(organization_id, $2) = $1)
"""

SAVE_GATEWAY_STATES = """
insert into gateway_states as s (gateway_id, last_heard_at, lost_at, silent_since)
select n.id, n.heard_at, n.lost_at, n.silent_since
  from unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::timestamptz[])
       n (id, heard_at, lost_at, silent_since)
  join gateways using (id)
on conflict (gateway_id) do update
   set last_heard_at = greatest(s.last_heard_at, excluded.last_heard_at), lost_at = excluded.lost_at,
       silent_since = excluded.silent_since
"""


async def load(connection: Connection, shard: Shard = WHOLE) -> dict[UUID, UnitState]:
    """Return the state of every unit of a shard as the last commit left it."""
    sensors: dict[UUID, list[SensorRow]] = {}
    states: dict[UUID, UnitState] = {}
    with translated():
        async with connection.transaction(readonly=True):  # cursors: all rows at once would double the memory
            async for row in connection.cursor(LIST_SENSOR_STATES_OF_SHARD, *shard, prefetch=PREFETCH):
                sensors.setdefault(row["unit_id"], []).append(SensorRow(*row))
            async for row in connection.cursor(LIST_UNIT_STATES_OF_SHARD, *shard, prefetch=PREFETCH):
                states[row["unit_id"]] = _state(tuple(row), sensors.pop(row["unit_id"], []))
    return states


def _state(row: Sequence[Any], sensors: list[SensorRow]) -> UnitState:
    """The sensor heard last has its newest check-in in the unit's row."""
    *unit, seen_by, seen_at, seen_seq = row
    sensors = [
        s._replace(last_at=seen_at, last_seq=seen_seq) if s.sensor_id == seen_by and seen_at else s for s in sensors
    ]
    return unpack(UnitRow(*unit), sensors, seen_by)


def is_touch(state: UnitState, committed: UnitState | None) -> bool:
    """Whether nothing but the last values differ. Parts are replaced, never changed, so identity tells."""
    return (
        committed is not None
        and state.link is committed.link
        and state.temperature is committed.temperature
        and state.sensor is committed.sensor
        and state.sensor is not None
        and state.sensors is committed.sensors
        and state.door is committed.door
        and state.seen_at == state.measured_at
        and state.battery_level == committed.battery_level
        and state.faulty == committed.faulty
        and state.measured_by == committed.measured_by
        and state.status is committed.status
        and state.calibration_due == committed.calibration_due
        and state.log_out_of_limits == committed.log_out_of_limits
    )


async def save(
    connection: Connection, moved: Iterable[tuple[UnitState, UnitState | None]], dull: Mapping[UUID, Last] = NO_RUNS
) -> list[UnitState]:
    """Write states down: (as it is now, as it was committed before or None), and units of which all readings were dull.

    Returns those of which more than the last values changed.
    """
    changed: list[UnitState] = []
    touched: list[tuple[UUID, datetime, float, int]] = [
        (unit_id, last.at, last.celsius, last.seq) for unit_id, last in dull.items()
    ]
    rows: list[tuple[object, ...]] = []
    sensors: list[SensorRow] = []
    for state, committed in moved:
        if is_touch(state, committed):
            assert state.celsius is not None
            touched.append((state.unit_id, state.seen_at, state.celsius, state.seen_seq))
            continue
        changed.append(state)
        seen = (state.sensor.id, state.seen_at, state.seen_seq) if state.sensor is not None else (None, None, 0)
        rows.append((*pack(state), *seen))
        sensors += pack_sensors(state, committed)
        sensors += _left_behind(state, committed)
    with translated():
        if touched:
            await connection.execute(TOUCH_UNIT_STATES, *map(list, zip(*touched, strict=True)))
        if rows:
            await connection.execute(SAVE_UNIT_STATES, *map(list, zip(*rows, strict=True)))
        if sensors:
            await connection.execute(SAVE_SENSOR_STATES, *map(list, zip(*sensors, strict=True)))
    return changed


def _left_behind(state: UnitState, committed: UnitState | None) -> list[SensorRow]:
    """The row of the sensor that was heard last and no longer is: its newest check-in was in the unit's row only."""
    last = committed.sensor if committed is not None else None
    if committed is None or last is None or (state.sensor is not None and state.sensor.id == last.id):
        return []
    now = state.sensors.get(last.id)
    was = last._replace(at=committed.seen_at, seq=committed.seen_seq)
    return [SensorRow(state.unit_id, *was)] if now == was else []  # one that has changed is among the others


async def forget_sensors(connection: Connection, gone: Sequence[tuple[UUID, UUID]]) -> None:
    """Remove (unit, sensor) pairs that no longer belong together."""
    with translated():
        await connection.execute(FORGET_SENSORS, *map(list, zip(*gone, strict=True)))


async def load_gateways(connection: Connection, shard: Shard = WHOLE) -> dict[UUID, Gateway]:
    """Return the state of every gateway of a shard."""
    with translated():
        return {row[0]: Gateway(*row) for row in await connection.fetch(LIST_GATEWAY_STATES, *shard)}


async def save_gateways(connection: Connection, gateways: Sequence[Gateway]) -> None:
    """Write gateways' states down."""
    with translated():
        await connection.execute(SAVE_GATEWAY_STATES, *map(list, zip(*gateways, strict=True)))
