"""From the sending of a reading to a browser's socket; what an idle socket costs, and what sockets cost the daemon."""

import json
import secrets
import signal
import subprocess
import time
from typing import NamedTuple

import psycopg

from bench.load import SENSORS, Plan
from bench.measure import Measure, Scale, Table
from bench.servers import Servers, memory_mb
from bench.serving import SECRET, api
from frostguard.security import Signer

FOLLOWER = """
with o as (select id from organizations where slug = 'bench'),
     u as (insert into users (email) values (%(email)s) returning id),
     p as (insert into profiles (user_id, email, organization_id) select u.id, %(email)s, o.id from u, o),
     r as (insert into user_roles (user_id, organization_id, role) select u.id, o.id, 'viewer' from u, o)
insert into sessions (user_id, expires_at) select id, now() + interval '1 day' from u returning user_id, id
"""
# With the first second in it, as in what is shown; and how long the very first commit of a new daemon took.
STORED = """
select percentile_cont(array[0.5, 0.99]) within group (order by late), max(late) filter (where first)
  from (select extract(epoch from pg_xact_commit_timestamp(xmin) - recorded_at) * 1000 as late,
               pg_xact_commit_timestamp(xmin) = min(pg_xact_commit_timestamp(xmin)) over () as first
          from sensor_readings) r
"""
UNITS = "select id from units where organization_id = (select id from organizations where slug = 'bench') order by id"
MANY = {"FEED_SOCKETS_PER_USER": "10000", "FEED_SOCKETS_PER_ORGANIZATION": "10000"}
ROOM = {"API_MAX_CONNECTIONS": "10000", "API_MAX_CONNECTIONS_PER_ADDRESS": "10000"}


def follower(running: Servers) -> str:
    """What the sockets are to know: a token, the topic of all units, the topics of each."""
    with psycopg.connect(running.database, autocommit=True) as c:
        row = c.execute(FOLLOWER, {"email": f"{secrets.token_hex(4)}@example.com"}).fetchone()
        assert row is not None
        home = c.execute("select id from organizations where slug = 'bench'").fetchone()
        assert home is not None
        units = [f"unit:{unit}:readings" for (unit,) in c.execute(UNITS).fetchall()]
    return " ".join([Signer(SECRET, 86_400).issue(*row), f"org:{home[0]}:units", *units])


class Crowd(NamedTuple):
    """How many sockets; how many of them follow all units, and how many units the others; how many never read."""

    count: int
    everything: int
    units: int = 5
    muted: int = 0


def sockets(running: Servers, url: str, crowd: Crowd) -> subprocess.Popen[bytes]:
    """Start sockets, and wait until all of them have what they subscribed to."""
    more = [
        word
        for name, value in zip(("--sockets", "--all", "--units", "--muted"), crowd, strict=True)
        for word in (name, str(value))
    ]
    what = running.folder / "followed"
    what.write_text(follower(running))
    process = running.spawn("-m", "bench.sockets", url, str(what), *more)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def played(running: Servers, url: str, plan: Plan, crowd: Crowd) -> dict[str, float]:
    """Readings at their pace while sockets look on."""
    reading = crowd.everything - crowd.muted
    running.empty()
    with running.daemon():
        following = sockets(running, url, crowd) if crowd.count else None
        running.end(running.publish(plan))
        running.rest(plan.readings)
        (p50, p99), first = running.ask(STORED)
        found = {"first commit ms": float(first), "stored p50 ms": p50, "stored p99 ms": p99}
        if following is None:
            return found
        time.sleep(1)
        said = json.loads(running.end(following, signal.SIGTERM))
    due = plan.readings * reading + plan.readings * crowd.units * (crowd.count - crowd.everything) // SENSORS
    return {**found, "shown p50 ms": said["p50"], "shown p99 ms": said["p99"], "missing": max(0, due - said["shown"])}


def idle(running: Servers, url: str, process: subprocess.Popen[bytes], count: int) -> dict[str, float]:
    """What a socket costs that hears nothing."""
    before = memory_mb(process.pid)
    following = sockets(running, url, Crowd(count, 0, 1))
    cost = memory_mb(process.pid) - before
    running.end(following, signal.SIGTERM)
    return {"kB a socket": cost * 1024 / count}


def feeds(running: Servers, scale: Scale) -> Table:
    seconds = scale.of(10, 3)

    def plan(rate: int) -> Plan:
        return Plan(rate * seconds, rate=rate, numbered=True)

    many = scale.of(1000, 100)
    with api(running, MANY | ROOM) as (process, url):
        cost = idle(running, url, process, scale.of(2000, 200))
        return {
            "50 follow all, 200/s": played(running, url, plan(200), Crowd(50, 50)),
            "10 follow all, 2,000/s": played(running, url, plan(2000), Crowd(10, 10)),
            "nobody, 2,000/s": played(running, url, plan(2000), Crowd(0, 0)),
            f"{many:,}, of which 10 follow all, 2,000/s": played(running, url, plan(2000), Crowd(many, 10)),
            "idle": cost,
        }


def muted(running: Servers, scale: Scale) -> Table:
    """5 % read nothing more: what the others feel, and what it costs the API. `x p99` is to lie below 1.1."""
    seconds, rate, count = scale.of(15, 5), 400, scale.of(200, 40)
    plan = Plan(rate * seconds, rate=rate, numbered=True)
    with api(running, MANY | ROOM) as (process, url):
        played(
            running, url, Plan(rate * 2, rate=rate, numbered=True), Crowd(count, count)
        )  # what happens once has happened
        table = {}
        for name, silent in (("all read", 0), ("5 % never read", count // 20)):
            found = played(running, url, plan, Crowd(count, count, muted=silent))
            kept = ("shown p50 ms", "shown p99 ms", "missing")
            table[name] = {column: found[column] for column in kept}
            table[name]["API MB"] = memory_mb(process.pid)
            table[name]["API peak MB"] = memory_mb(process.pid, "VmHWM")
    table["5 % never read"]["x p99"] = table["5 % never read"]["shown p99 ms"] / table["all read"]["shown p99 ms"]
    return table


MEASURES = (
    Measure("feeds", "publish to frame, idle sockets, and what they cost the daemon", feeds),
    Measure("muted", "publish to frame where some sockets never read, and where all do", muted),
)
