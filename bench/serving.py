"""What the API answers in a second, beside a bare aiohttp handler that returns the same bytes, in the same run.

`of_bare` is the honest figure: how much of what aiohttp could serve is left when the request is authenticated, judged,
read from the database and put into words. 200 units with 30 days of readings every five minutes, 16 connections.
"""

import asyncio
import json
import secrets
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from bench.measure import Measure, Scale, Table
from bench.servers import ROOT, Servers, memory_mb
from frostguard.config import DatabaseSettings, load
from frostguard.security import Signer
from frostguard.store import partitions
from frostguard.store.connection import connect

SECRET = secrets.token_urlsafe(32)
DAYS, PER_AREA = 30, 10

PEOPLE = """
with o as (insert into organizations (name, slug) values ('Http', 'http') returning id),
     u as (insert into users (email) values ('bench@example.com') returning id),
     p as (insert into profiles (user_id, email, organization_id) select u.id, 'bench@example.com', o.id from u, o),
     r as (insert into user_roles (user_id, organization_id, role) select u.id, o.id, 'owner' from u, o)
insert into sessions (user_id, expires_at) select id, now() + interval '1 day' from u returning user_id, id
"""
UNITS = """
with o as (select id from organizations where slug = 'http'),
     s as (insert into sites (organization_id, name) select id, 'Site' from o returning id, organization_id),
     a as (insert into areas (organization_id, site_id, name)
             select organization_id, id, 'Area ' || n from s, generate_series(0, %(areas)s - 1) n
             returning id, organization_id, name),
     u as (insert into units (organization_id, area_id, name, unit_type)
             select organization_id, id, name || ' unit ' || n, 'fridge' from a, generate_series(1, %(per_area)s) n
             returning id, organization_id)
insert into sensors (organization_id, unit_id, serial, is_primary, assigned_at)
  select organization_id, id, 'http-' || id, true, now() - interval '90 days' from u
"""
HISTORY = """
insert into sensor_readings (unit_id, sensor_id, recorded_at, received_at, temperature, humidity, battery_percent, rssi)
select s.unit_id, s.id, at, at, round((3 + 2 * sin(extract(epoch from at) / 3000))::numeric, 2), 50, 90, -70
  from generate_series(now() - make_interval(days => %(days)s), now(), interval '5 minutes') at,
       (select id, unit_id from sensors where serial like 'http-%%') s
"""
ALERTS = """
insert into alerts (id, organization_id, subject_id, unit_id, site_id, area_id, alert_type, severity, status, title,
                    opened_at, raised_at, celsius, limits)
select gen_random_uuid(), u.organization_id, u.id, u.id, a.site_id, a.id,
       ('{alarm_active,monitoring_interrupted,low_battery,sensor_fault,door_open}'::alert_type[])[k],
       'critical', 'active', 'Temperature alarm', now(), now(), 9, '{"low": -1.0, "high": 5.0}'
  from units u join areas a on a.id = u.area_id join organizations o on o.id = u.organization_id and o.slug = 'http',
       generate_series(1, 5) k
"""
SUMMED = """
insert into rollup_progress (shard, since, upto)
  values (0, date_trunc('day', now(), 'UTC'), date_bin('5 minutes', now() - interval '1 minute', 'epoch'))
  on conflict (shard) do update set since = excluded.since, upto = excluded.upto
"""
PLACES = """
select u.id, u.area_id from units u join organizations o on o.id = u.organization_id and o.slug = 'http' order by u.id
"""

ROUTES = {
    "unit": ("GET", "/units/{unit}"),
    "area_units": ("GET", "/areas/{area}/units"),
    "alerts": ("GET", "/units/{unit}/alerts"),
    "unit_put": ("PUT", "/units/{unit}"),
    "latest": ("GET", "/units/{unit}/readings/latest"),
    "readings 24h": ("GET", "/units/{unit}/readings?range=24h"),
    "readings 7d": ("GET", "/units/{unit}/readings?range=7d"),
    "readings 30d": ("GET", "/units/{unit}/readings?range=30d"),
    "statistics 30d": ("GET", "/units/{unit}/statistics?range=30d"),
}


def lines(route: str, places: list[tuple[UUID, UUID]]) -> list[str]:
    """Requests for every unit; a PUT gives it another name each time, so that it is a change with its audit entry."""
    method, path = ROUTES[route]
    found = []
    for again in range(7 if method == "PUT" else 1):
        for n, (unit, area) in enumerate(places):
            body = json.dumps({"name": f"Unit {n} {again}", "tempMin": 0, "tempMax": 8}) if method == "PUT" else ""
            found.append(f"{method}\t{path.format(unit=unit, area=area)}\t{body}")
    return found


def prepare(running: Servers, areas: int) -> tuple[str, list[tuple[UUID, UUID]]]:
    """An organization with an owner, units and their past. Returns a token, and the units with their areas."""
    with psycopg.connect(running.database, autocommit=True) as c:
        row = c.execute("select u.id, s.id from users u join sessions s on s.user_id = u.id").fetchone()
        if row is None:
            row = c.execute(PEOPLE).fetchone()
            c.execute(UNITS, {"areas": areas, "per_area": PER_AREA})
            asyncio.run(_weeks(running.database))
            c.execute(HISTORY, {"days": DAYS})
            c.execute(ALERTS)
            c.execute(SUMMED)
            running.end(running.spawn("-m", "frostguard.cli", "rollups", "rebuild"))
            c.execute("vacuum analyze")
            c.execute("checkpoint")
        places = c.execute(PLACES).fetchall()
    assert row is not None
    return Signer(SECRET, 86_400).issue(*row), places


async def _weeks(database: str) -> None:
    connection = await connect(load(DatabaseSettings, {"DATABASE_URL": database}), "bench")
    now = datetime.now(UTC)
    await partitions.ensure(connection, [now - timedelta(days=n) for n in range(DAYS + 2)])
    await connection.close()


@contextmanager
def api(running: Servers, settings: dict[str, str] | None = None) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The API as production runs it, and its address."""
    ready = running.folder / "api-ready"
    ready.unlink(missing_ok=True)
    more = {"JWT_SECRET": SECRET, "PORT": "0", "API_READY_FILE": str(ready), "API_MAX_CONNECTIONS_PER_ADDRESS": "500"}
    process = running.spawn("-m", "api", more=more | (settings or {}))
    while not ready.exists():
        assert process.poll() is None
        time.sleep(0.02)
    yield process, ready.read_text().strip()
    running.end(process, signal.SIGTERM)


@contextmanager
def bare(running: Servers, bodies: dict[str, str]) -> Iterator[str]:
    """The bare handler, and its address."""
    file = running.folder / "bodies.json"
    file.write_text(json.dumps(bodies))
    process = running.spawn(str(ROOT / "bench" / "bare.py"), str(file))
    assert process.stdout is not None
    yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    running.end(process, signal.SIGTERM)


def fire(running: Servers, url: str, token: str, requests: list[str], seconds: float) -> dict[str, Any]:
    file = running.folder / "requests.txt"
    file.write_text("\n".join(requests) + "\n")
    command = [str(ROOT / "bench" / "fire.py"), url, token, str(file), "--seconds", str(seconds)]
    found = json.loads(running.end(running.spawn(*command)))
    return found | {"per_second": found["requests"] / found["seconds"]}


def body_of(url: str, token: str, line: str) -> str:
    method, path, body = line.split("\t")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    asked = urllib.request.Request(url + path, body.encode() or None, headers, method=method)
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return answer.read().decode()


def http(running: Servers, scale: Scale) -> Table:
    token, places = prepare(running, scale.of(20, 2))
    seconds, table = scale.of(4, 1), {}
    with api(running) as (process, url):
        bodies = {f"/{name.replace(' ', '-')}": body_of(url, token, lines(name, places)[0]) for name in ROUTES}
        with bare(running, bodies) as floor:
            for name in ROUTES:
                requests = lines(name, places)
                fire(running, url, token, requests, 1)  # what is prepared once is prepared
                before = memory_mb(process.pid)
                ours = fire(running, url, token, requests, seconds)
                after = memory_mb(process.pid)
                same = [f"{ROUTES[name][0]}\t/{name.replace(' ', '-')}\t{requests[0].split(chr(9))[2]}"]
                theirs = fire(running, floor, token, same, seconds)
                table[name] = {
                    "requests/s": ours["per_second"], "bare/s": theirs["per_second"],
                    "of_bare": ours["per_second"] / theirs["per_second"], "p50_ms": ours["p50_ms"],
                    "p99_ms": ours["p99_ms"], "failed": ours["failed"], "memory_mb": after, "grown_mb": after - before,
                }  # fmt: skip
    return table


MEASURES = (Measure("http", "requests of the API at 16 connections, beside a handler that has the bytes", http),)
