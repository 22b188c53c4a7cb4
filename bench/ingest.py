"""How fast readings come in, how late they are stored, what a kill costs, how much memory it takes."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import replace

from bench.load import SENSORS, Plan
from bench.measure import Measure, Scale, Table
from bench.servers import Servers, memory_mb
from frostguard.local.postgres import embedded_binaries
from frostguard.store.readings import COLUMNS

RATE = 2000
FLOOR_MESSAGES = 50_000
LAST_COMMIT = "select extract(epoch from max(pg_xact_commit_timestamp(xmin))) from sensor_readings"
# The commit time is taken just before the WAL is flushed; the flush is in `commit ms`. The first second is warm-up.
LATENCIES = """
select percentile_cont(array[0.5, 0.99]) within group
         (order by extract(epoch from pg_xact_commit_timestamp(xmin) - recorded_at) * 1000)
  from sensor_readings where recorded_at > (select min(recorded_at) from sensor_readings) + interval '1 second'
"""


def base_ms() -> int:
    """An hour ago, so that no reading of a run is in the future."""
    return int(time.time() - 3600) * 1000


def queue(servers: Servers, plan: Plan) -> int:
    """Let the broker hold these readings for the daemon; return the number of messages."""
    answer = json.loads(servers.end(servers.publish(plan)))
    return int(answer["messages"])


def row(readings: int, seconds: float, before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """Speed, and where the CPU went: microseconds per reading."""
    spent = {name: after[name] - before[name] for name in after}
    return {
        "readings/s": readings / seconds,
        "own us": spent["measured"] / readings * 1e6,
        "postgres us": spent["postgres"] / readings * 1e6,
        "broker us": spent["broker"] / readings * 1e6,
        # The kernel samples the whole and sums the parts, so a small negative difference is none.
        "others' cores": max(0.0, spent["others"] / spent["wall"]),
    }


def received(servers: Servers, plan: Plan, which: str) -> dict[str, float]:
    """A program that only receives and acknowledges."""
    plan = replace(plan, readings=min(plan.readings, FLOOR_MESSAGES * plan.per_message))  # it is slow
    servers.empty()
    messages = queue(servers, plan)
    process = servers.spawn("-m", "bench.floor", which, str(messages))
    servers.connected(process)
    before = servers.cpu(process)
    answer = json.loads(process.stdout.readline())
    after = servers.cpu(process)
    servers.end(process)
    return row(plan.readings, answer["seconds"], before, after)


def drained(servers: Servers, plan: Plan, module: str = "ingest") -> dict[str, float]:
    """The daemon (or what stands in for it), from the moment that it is connected to its last commit.

    Every sensor has been heard before: a unit begins its life only once.
    """
    servers.empty()
    queue(servers, Plan(SENSORS, base_ms=plan.base_ms - plan.step_ms))
    with servers.daemon():
        servers.rest(SENSORS)
    queue(servers, plan)
    process = servers.spawn("-m", module)
    started = servers.connected(process)
    before = servers.cpu(process)
    stored = servers.rest(SENSORS + plan.readings) - SENSORS
    after = servers.cpu(process)
    servers.end(process, signal.SIGTERM)
    if stored != plan.readings:
        raise RuntimeError(f"{stored} of {plan.readings} readings are stored")
    return row(plan.readings, float(servers.ask(LAST_COMMIT)[0]) - started, before, after)


def copied(servers: Servers, readings: int) -> dict[str, float]:
    """`psql \\copy` of the rows that the daemon has just stored."""
    rows = servers.folder / "rows.csv"
    _psql(servers, f"\\copy (select {', '.join(COLUMNS)} from sensor_readings) to '{rows}' csv")
    servers.empty()
    before, started = servers.cpu(), time.time()
    cpu = os.times()
    _psql(servers, f"\\copy sensor_readings ({', '.join(COLUMNS)}) from '{rows}' csv")
    seconds = time.time() - started
    time.sleep(0.3)  # until PostgreSQL has counted the CPU of the backend that is gone
    after, own = servers.cpu(), os.times()
    psql = own.children_user + own.children_system - cpu.children_user - cpu.children_system
    after["measured"] += psql
    return row(readings, seconds, before, after)


def _psql(servers: Servers, command: str) -> None:
    program = embedded_binaries() / "psql"
    subprocess.run([program, "-qX", servers.database, "-c", command], check=True, stdout=subprocess.DEVNULL)


def drain(servers: Servers, scale: Scale, per_message: int) -> Table:
    """The floor, our session alone, the daemon, and the database alone, on the same rows."""
    readings = scale.of(*((300_000, 40_000) if per_message == 1 else (1_000_000, 200_000)))
    plan = Plan(readings, per_message, base_ms=base_ms())
    table = {
        "floor: aiomqtt, receive and acknowledge": received(servers, plan, "floor"),
        "our session, receive and acknowledge": received(servers, plan, "session"),
        "daemon, numbered readings": drained(servers, Plan(readings, per_message, numbered=True, base_ms=base_ms())),
        "daemon": drained(servers, plan),
    }
    table["psql \\copy"] = copied(servers, readings)
    speed = {name: figures["readings/s"] for name, figures in table.items()}
    for name, figures in table.items():
        figures["of floor"] = speed[name] / speed["floor: aiomqtt, receive and acknowledge"]
        figures["of \\copy"] = speed[name] / speed["psql \\copy"]
    return table


def drain_1(servers: Servers, scale: Scale) -> Table:
    return drain(servers, scale, 1)


def drain_50(servers: Servers, scale: Scale) -> Table:
    return drain(servers, scale, 50)


def paced(servers: Servers, scale: Scale) -> Table:
    """From the stamp in the payload to the commit, while RATE readings a second arrive one by one."""
    seconds = scale.of(20, 4)
    servers.empty()
    with servers.daemon() as process:
        before, started = servers.cpu(process), time.monotonic()
        servers.end(servers.publish(Plan(RATE * seconds, rate=RATE)))
        after, took = servers.cpu(process), time.monotonic() - started
        stored = servers.rest(RATE * seconds)
        commits = servers.metric("frostguard_commit_seconds_count")
        commit_ms = servers.metric("frostguard_commit_seconds_sum") / max(commits, 1) * 1000
    p50, p99 = servers.ask(LATENCIES)[0]
    figures = row(stored, took, before, after)
    return {
        f"{RATE:,} readings/s": {
            "p50 ms": float(p50),
            "p99 ms": float(p99),
            "commit ms": commit_ms,
            "own % of a core": (after["measured"] - before["measured"]) / seconds * 100,
            "postgres %": (after["postgres"] - before["postgres"]) / seconds * 100,
            "lost": RATE * seconds - stored,
            "others' cores": figures["others' cores"],
        }
    }


def memory(servers: Servers, scale: Scale) -> Table:
    """Resident memory of the daemon under the paced load, after the first minute and after the second."""
    minute = scale.of(60, 5)
    servers.empty()
    with servers.daemon() as process:
        figures = {"at start MB": memory_mb(process.pid)}
        load = servers.publish(Plan(RATE * minute * 2, rate=RATE))
        for name in ("first", "second"):
            time.sleep(minute)
            figures[f"after the {name} {'minute' if minute == 60 else f'{minute} s'} MB"] = memory_mb(process.pid)
        servers.end(load)
        figures["peak MB"] = memory_mb(process.pid, "VmHWM")
    return {f"{RATE:,} readings/s": figures}


def crash(servers: Servers, scale: Scale) -> Table:
    """SIGKILL in the middle of a drain, then a new daemon: what is lost, what is there twice."""
    readings = scale.of(300_000, 60_000)
    plan = Plan(readings, base_ms=base_ms())
    queue(servers, plan)
    process = servers.launch_daemon()
    servers.connected(process)
    while not servers.ask("select exists (select from sensor_readings)")[0]:
        time.sleep(0.01)
    time.sleep(readings / 300_000)
    servers.end(process, signal.SIGKILL)
    at_kill = servers.ask("select count(*) from sensor_readings")[0]
    with servers.daemon():
        stored = servers.rest(readings)
        again = servers.metric("frostguard_readings_duplicate_total")
    distinct = servers.ask("select count(*) from (select distinct sensor_id, recorded_at from sensor_readings) d")[0]
    return {
        f"{readings:,} readings": {
            "stored at the kill": at_kill,
            "came again": again,
            "lost": readings - distinct,
            "stored twice": stored - distinct,
        }
    }


MEASURES: Sequence[Measure] = (
    Measure("drain-1", "a backlog, 1 reading a message", drain_1),
    Measure("drain-50", "a backlog, 50 readings a message", drain_50),
    Measure("paced", f"publish to commit at {RATE:,} readings/s of {SENSORS:,} sensors, 1 a message", paced),
    Measure("crash", "SIGKILL in the middle of a drain; the worst of all rounds", crash, fold=max),
    Measure("memory", f"memory of the daemon at {RATE:,} readings/s", memory, rounds=1),
)
