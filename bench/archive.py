"""What a reading weighs, hot and archived, and whether a week that leaves is felt by readings that come in."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from bench.ingest import RATE
from bench.load import SENSORS, Plan
from bench.measure import Measure, Scale, Table
from bench.servers import ROOT, Servers
from frostguard.archive.compact import compact
from frostguard.archive.reader import Reader
from frostguard.archive.slices import Slices
from frostguard.blobs import FolderBlobs
from frostguard.config import DatabaseSettings
from frostguard.store import connection as connections
from frostguard.store import partitions
from frostguard.store.archives import Asked
from frostguard.store.connection import Connection

AGE = timedelta(days=120)

# As the simulator's sensors would: hundredths of a degree, tenths of a percent, times in milliseconds, a delay.
FILL = """
insert into sensor_readings (unit_id, recorded_at, sensor_id, seq, received_at, temperature, humidity, battery_volts,
                             snr, battery_percent, rssi, door_open)
select s.unit_id, r.at, s.id, g.n * 100 + s.n %% 100, r.at + make_interval(secs => 0.02 - ln(random()) * 0.05),
       round((4 + 1.5 * sin(g.n / 50.0 + s.n) + random() * 0.3)::numeric, 2),
       round((55 + 5 * sin(g.n / 90.0) + random())::numeric, 1), round((3.61 - g.n / 500000.0)::numeric, 2),
       round((7.5 + random() * 4) * 2) / 2, 88, -97 + (random() * 8)::integer, false
  from generate_series(%(first)s::integer, %(last)s::integer) g (n)
  cross join (select id, unit_id, row_number() over (order by id) as n from sensors where unit_id is not null) s
  cross join lateral (
    select date_trunc('milliseconds', %(monday)s::timestamptz
             + (g.n + s.n / %(sensors)s::float8) * %(step)s::interval + random() * interval '1 second') as at) r
 order by g.n
"""

LATENCY = """
select percentile_cont(array[0.5, 0.99, 1]) within group
         (order by extract(epoch from pg_xact_commit_timestamp(xmin) - recorded_at) * 1000), count(*)
  from sensor_readings where recorded_at >= to_timestamp(%s) and recorded_at < to_timestamp(%s)
"""


def fill(servers: Servers, monday: datetime, each: int) -> None:
    """A week with so many readings of each sensor, in the order of time, as it would have come in."""
    week, at_once = {"monday": monday, "sensors": SENSORS, "step": timedelta(days=6.9) / each}, 100
    with psycopg.connect(servers.database, autocommit=True) as c:
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        c.execute("delete from rollup_progress")  # summed when it was new
        c.execute("insert into rollup_progress values (0, %s, %s)", (monday, midnight))
        c.execute("truncate reading_weeks, archive_files, archive_uploads")
        for first in range(0, each, at_once):
            c.execute(FILL, {**week, "first": first, "last": min(first + at_once, each) - 1})
        c.execute("checkpoint")


async def compacted(servers: Servers) -> None:
    settings = DatabaseSettings(url=servers.database, command_timeout=600)
    connection = await connections.connect(settings, "bench")
    await compact(connection, datetime.now(UTC))
    await connection.close()


async def prepared(servers: Servers, monday: datetime) -> None:
    settings = DatabaseSettings(url=servers.database, command_timeout=600)
    connection = await connections.connect(settings, "bench")
    await partitions.ensure(connection, [monday])
    await connection.close()


def weight(servers: Servers, name: str, readings: int) -> float:
    return float(servers.ask(f"select pg_total_relation_size('{name}')")[0]) / readings


def frostguard(servers: Servers, folder: Path, *arguments: str) -> float:
    """Run the command to its end; return how long it took."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "frostguard.cli", "archive", *arguments], cwd=ROOT, check=False, capture_output=True,
        text=True, env=servers.environment | {"ARCHIVE_DIR": str(folder), "PATH": os.environ["PATH"]},
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return time.monotonic() - began


async def read_week(servers: Servers, folder: Path, monday: datetime) -> tuple[int, float]:
    """Read one unit's week as the API does: how many readings, and the milliseconds of the second time."""
    connection = await connections.connect(DatabaseSettings(url=servers.database), "bench")

    @asynccontextmanager
    async def lend() -> AsyncIterator[Connection]:
        yield connection

    slices = Slices(lend, Reader(FolderBlobs(folder)))
    organization, unit = await connection.fetchrow(
        "select organization_id, id from units order by id offset 1000 limit 1"
    )
    for _ in range(2):
        began, count = time.monotonic(), 0
        async for rows in slices.of(Asked(organization, unit, monday, monday + partitions.WEEK)):
            count += len(rows)
    took = (time.monotonic() - began) * 1000
    await connection.close()
    return count, took


def archive(servers: Servers, scale: Scale) -> Table:
    """A week is compacted, archived, dropped and read back while RATE readings a second come in."""
    each = scale.of(5000, 200)
    readings, monday = each * SENSORS, partitions.week_of(datetime.now(UTC) - AGE)
    name, folder = partitions.name_of(monday), servers.folder / "archive"
    servers.empty()
    asyncio.run(prepared(servers, monday))
    fill(servers, monday, each)
    hot = {"hot with index": weight(servers, name, readings)}
    asyncio.run(compacted(servers))
    hot["the same, week closed"] = weight(servers, name, readings)
    with servers.daemon():
        load = servers.publish(Plan(RATE * scale.of(240, 25), rate=RATE))
        time.sleep(2)
        began = time.time()
        took = frostguard(servers, folder, "run")
        ran = time.time()
        verified = frostguard(servers, folder, "verify")
        count, milliseconds = asyncio.run(read_week(servers, folder, monday))
        ended = time.time()
        servers.end(load)
        stored = servers.rest(RATE * scale.of(240, 25))
    with psycopg.connect(servers.database) as c:
        latencies = {
            what: c.execute(LATENCY, times).fetchone()
            for what, times in (("run", (began, ran)), ("verify and read", (ran, ended)))
        }
        size, archived = c.execute("select sum(size), sum(readings) from archive_files").fetchone()
    if (int(archived), count) != (readings, each):
        raise RuntimeError(f"{archived} of {readings} are archived, {count} of {each} are read")
    rows = {
        f"ingest during {what}": {"p50 ms": p[0], "p99 ms": p[1], "worst ms": p[2], "readings": n}
        for what, (p, n) in latencies.items()
        if n
    }
    return rows | {
        "bytes a reading": hot | {"archived": float(size) / readings},
        f"{readings:,} readings": {
            "archived in s": took, "verified in s": verified, "a unit's week in ms": milliseconds,
            "lost": RATE * scale.of(240, 25) - stored,
        },
    }  # fmt: skip


MEASURES: Sequence[Measure] = (
    Measure("archive", f"a week leaves while {RATE:,} readings/s come in", archive, rounds=1),
)
