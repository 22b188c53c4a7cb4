"""What the state machines cost: by themselves, as a share of the daemon, and for a large fleet at the start."""

import signal
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg

from bench.ingest import base_ms, drained
from bench.load import SENSORS, Plan
from bench.measure import Measure, Scale, Table
from bench.servers import Servers, memory_mb
from frostguard.domain.limits import Limits
from frostguard.domain.reading import Reading
from frostguard.domain.rules import Rules, SensorRules
from frostguard.domain.unit import observe
from frostguard.domain.unit_state import UnitState

UNITS = 2000
LARGE = 100_000

MANY = """
with u as (
  insert into units (organization_id, area_id, name, unit_type)
    select organization_id, id, 'many-' || n, 'fridge' from areas, generate_series(1, %(count)s) n
    returning id, organization_id, name)
insert into sensors (organization_id, unit_id, serial, is_primary, assigned_at)
  select organization_id, id, name, true, now() - interval '90 days' from u
"""
# As the last commit of a fleet that is well would have left them.
STATES = """
insert into unit_states (unit_id, organization_id, status, status_since, temperature_phase, inside_count, data_phase,
                         log_out_of_limits, door_level, battery_level, faulty, last_reading_at, last_reading_by,
                         last_temperature, seen_by, seen_at)
select u.id, u.organization_id, 'ok', now(), 'normal', 0, 'fresh', false, 0, 0, false, now(), s.id, 3, s.id, now()
  from units u join sensors s on s.unit_id = u.id;
insert into sensor_states (unit_id, sensor_id, last_at, last_seq, battery_level)
select unit_id, id, now(), 0, 0 from sensors
"""


def rules(sensor: UUID) -> Rules:
    return Rules(Limits(), sensor, {sensor: SensorRules(300, None)}, None)


def fold(celsius: Callable[[int], float], per_unit: int) -> float:
    """Microseconds of one reading; each unit has its readings one after the other, as in a batch."""
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    work: list[tuple[UnitState, Rules, list[Reading]]] = []
    for _ in range(UNITS):
        unit, sensor = uuid4(), uuid4()
        rows = [
            Reading(unit, noon + timedelta(minutes=n), sensor, n, noon, celsius(n)) for n in range(per_unit + 1)
        ]  # fmt: skip
        state, own = UnitState(unit), rules(sensor)
        observe(state, rows[0], own)
        work.append((state, own, rows[1:]))
    begin = time.perf_counter()
    for state, own, rows in work:
        for reading in rows:
            observe(state, reading, own)
    return (time.perf_counter() - begin) / UNITS / per_unit * 1e6


def evaluation(servers: Servers, scale: Scale) -> Table:
    """The fold by itself, and the daemon's drain with and without it."""
    per_unit = scale.of(100, 20)
    calm = fold(lambda n: 3 + n % 5 / 10, per_unit)
    unusual = fold(lambda n: 3 if n % 20 < 10 else 12, per_unit)
    table: Table = {
        "calm units": {"us a reading": calm},
        "half of the time too warm": {"us a reading": unusual},
    }
    for per_message in (1, 50):
        readings = scale.of(*((300_000, 40_000) if per_message == 1 else (1_000_000, 200_000)))
        plan = Plan(readings, per_message, base_ms=base_ms())
        judged, unjudged = drained(servers, plan, "ingest"), drained(servers, plan, "bench.unjudged")
        table[f"daemon, {per_message} a message"] = judged | {
            "calm fold, % of it": calm / judged["own us"] * 100,
            "of unjudged": judged["readings/s"] / unjudged["readings/s"],
        }
        table[f"without the machines, {per_message} a message"] = unjudged
    return table


def start(servers: Servers, scale: Scale) -> Table:
    """A large fleet: from the start of the process until it is ready, and its memory. It stays: no measure after it."""
    count = scale.of(LARGE, 5_000) - SENSORS
    servers.empty()
    with psycopg.connect(servers.database, autocommit=True) as c:
        c.execute(MANY, {"count": count})
        c.execute(STATES)
        c.execute("analyze")
    process = servers.launch_daemon()
    begin = time.monotonic()
    servers.wait_ready(process)
    figures = {"ready s": time.monotonic() - begin}
    time.sleep(1)
    figures |= {"MB": memory_mb(process.pid), "peak MB": memory_mb(process.pid, "VmHWM")}
    servers.end(process, signal.SIGTERM)
    return {f"{count + SENSORS:,} units": figures}


MEASURES: Sequence[Measure] = (
    Measure("judging", "state evaluation, and the drain with and without it", evaluation),
    Measure("large-fleet", "start of the daemon with a large fleet", start, rounds=1),
)
