"""FrostGuard beside its peers: how the outside harness starts it, what it publishes to it, where the rows are.

FROSTGUARD names the installed command (.venv/bin/frostguard); its siblings are the daemon and the API. Measures of
the API run both of them, since that is what runs in production; measures of ingestion run the daemon alone.
"""

import hashlib
import os
import subprocess
import sys
import time
import uuid
from pathlib import Path

import benv
from adapters import System

# The harness's fleet: n units, 10 an area, 50 a site, ids made from the index, one temperature sensor each; 1,000
# gateways; one organization per `orgs`, with one admin.
FLEET = """
create extension if not exists pgcrypto;
insert into organizations (id, name, slug)
  select md5('org'||o)::uuid, 'Org '||o, 'org-'||o from generate_series(0, {orgs}-1) o;
insert into users (id, email, password_hash)
  select md5('user'||o)::uuid, 'user'||o||'@example.com', crypt('frostguard', gen_salt('bf', 12))
    from generate_series(0, {orgs}-1) o;
insert into profiles (user_id, organization_id, email, full_name)
  select md5('user'||o)::uuid, md5('org'||o)::uuid, 'user'||o||'@example.com', 'User '||o
    from generate_series(0, {orgs}-1) o;
insert into user_roles (user_id, organization_id, role)
  select md5('user'||o)::uuid, md5('org'||o)::uuid, 'admin' from generate_series(0, {orgs}-1) o;
insert into sites (id, organization_id, name)
  select md5('site'||s)::uuid, md5('org'||(s % {orgs}))::uuid, 'Site '||s from generate_series(0, ({units}-1)/50) s;
insert into areas (id, organization_id, site_id, name)
  select md5('area'||a)::uuid, md5('org'||((a/5) % {orgs}))::uuid, md5('site'||(a/5))::uuid, 'Area '||a
    from generate_series(0, ({units}-1)/10) a;
insert into units (id, organization_id, area_id, name, unit_type, temp_min, temp_max)
  select md5('unit'||u)::uuid, md5('org'||((u/50) % {orgs}))::uuid, md5('area'||(u/10))::uuid, 'Unit '||u,
         'fridge', 0, 8
    from generate_series(0, {units}-1) u;
insert into sensors (id, organization_id, unit_id, serial, is_primary, assigned_at)
  select md5('sensor'||u)::uuid, md5('org'||((u/50) % {orgs}))::uuid, md5('unit'||u)::uuid,
         lower('A84041'||lpad(to_hex(u), 10, '0')), true, now() - interval '1 year'
    from generate_series(0, {units}-1) u;
insert into gateways (organization_id, serial, name)
  select md5('org0')::uuid, 'gw'||lpad(g::text, 4, '0'), 'Gateway '||g from generate_series(0, 999) g;
"""

# The harness copies history with columns and types of its own; it goes here, and from here to where it belongs.
LANDING = """
create unlogged table landing
  (unit_id uuid, recorded_at timestamptz, temperature real, humidity real, battery_percent smallint, rssi smallint)
"""

WEEKS = "select distinct date_trunc('week', recorded_at, 'UTC')::date from landing"

PARTITION = """
create table if not exists sensor_readings_{name} partition of sensor_readings
  for values from ('{monday} 00:00+00') to ('{next} 00:00+00')
"""

# In the order of arrival, as the harness copied it. One transaction: truncated means moved.
MOVE = """
begin;
insert into sensor_readings
  (unit_id, sensor_id, recorded_at, received_at, temperature, humidity, battery_percent, rssi)
  select l.unit_id, s.id, l.recorded_at, l.recorded_at, round(l.temperature::numeric, 2), l.humidity,
         l.battery_percent, l.rssi
    from landing l join sensors s on s.unit_id = l.unit_id;
truncate landing;
commit;
"""

# Five a unit, all open as the peers' are, so of five types: at most one of a type is open here.
ALERTS = """
insert into alerts (id, organization_id, subject_id, unit_id, site_id, area_id, alert_type, severity, status, title,
                    opened_at, raised_at, celsius, limits)
  select md5(u.id::text||k)::uuid, u.organization_id, u.id, u.id, a.site_id, a.id,
         ('{alarm_active,monitoring_interrupted,low_battery,sensor_fault,door_open}'::alert_type[])[k],
         'critical', 'active', 'Temperature out of range', now() - k * interval '1 day', now() - k * interval '1 day',
         9, '{"low": 0.0, "high": 8.0}'
    from units u join areas a on a.id = u.area_id, generate_series(1, 5) k
  on conflict do nothing
"""

# Where the last reading left each unit: copied past the daemon, it moved none.
STATES = """
insert into unit_states (unit_id, organization_id, status, temperature_phase, inside_count, data_phase,
                         log_out_of_limits, door_level, battery_level, faulty, last_reading_at, last_reading_by,
                         last_temperature, seen_by, seen_at)
  select u.id, u.organization_id, 'ok', 'normal', 0, 'fresh', false, 0, 0, false, r.recorded_at, r.sensor_id,
         r.temperature, r.sensor_id, r.recorded_at
    from units u cross join lateral
         (select * from sensor_readings r where r.unit_id = u.id order by r.recorded_at desc limit 1) r
  on conflict do nothing
"""

# The daemon would have summed until a moment ago; the rebuild fills all that this says.
PROGRESS = """
insert into rollup_progress (shard, since, upto)
  values (0, date_trunc('day', now(), 'UTC'), date_bin('5 minutes', now() - interval '1 minute', 'epoch'))
  on conflict do nothing
"""

# The children get the signal too; the shell waits until both have ended.
BOTH = 'trap : TERM; "$0" & "$1" & wait; wait; wait'


class Renamed(dict):
    """The body of a PUT whose name is another one on every line: two units of an area may not share a name here."""

    lines = 500  # as many as the harness writes for a route; the next time, each unit gets the same names again

    def __init__(self):
        super().__init__(name="")
        self.line = 0

    def items(self):
        """What the JSON encoder asks for."""
        self.line += 1
        return {"name": f"Renamed {self.line % self.lines}", "tempMin": 0, "tempMax": 8}.items()


class System_(System):
    does = {"ingest", "http", "ws"}
    ws_stamp = rb'"lastReadingAt":"([^"]+)"'
    table, key_time = "sensor_readings", "recorded_at"
    env = {"INGEST_PORT": "0", "LOG_FORMAT": "text", "JWT_SECRET": "0123456789 abcdefgh, for benchmarks only"}

    def __init__(self):
        # All measures start a system in the same way; which one this is, only the harness's command line tells.
        self.serves = sys.argv[1:2] in (["http"], ["ws"])
        self.routes = System.routes | {"unit_put": ("PUT", "/units/{unit}", Renamed())}

    def command(self):
        programs = [str(Path(os.environ["FROSTGUARD"]).with_name(f"frostguard-{n}")) for n in ("ingest", "api")]
        return ["sh", "-c", BOTH, *programs] if self.serves else programs[:1]

    def start(self, db, **extra):
        if psql(db, "select to_regclass('landing') is not null") == "t":
            self.settle(db)
        super().start(db, MQTT_URL=f"mqtt://127.0.0.1:{benv.MQTT_PORT}", **extra)

    def prepare(self, pg, db, orgs, units, back_days):
        pg.sql("postgres", f'CREATE DATABASE "{db}"')
        frostguard(db, "migrate")
        pg.sql(db, FLEET.format(orgs=orgs, units=units))
        if db.startswith("hist_"):
            pg.sql(db, LANDING)

    def settle(self, db):
        """Move the history from where the harness put it; what was interrupted can be done again."""
        for monday in psql(db, WEEKS).split():
            bounds = psql(db, f"select to_char(d, 'IYYY\"w\"IW'), d + 7 from (select date '{monday}') w(d)").split("|")
            psql(db, PARTITION.format(name=bounds[0], monday=monday, next=bounds[1]))
        psql(db, MOVE)
        psql(db, STATES)
        psql(db, ALERTS)
        psql(db, PROGRESS)
        frostguard(db, "rollups", "rebuild")
        psql(db, "vacuum analyze")
        psql(db, "drop table landing")
        psql(db, "checkpoint")

    def empty(self, pg, db):
        pg.sql(
            db,
            "truncate sensor_readings, held_readings, dead_letters, unit_states, sensor_states, alerts, alert_timeline,"
            " notification_outbox, events, outages, listening, gateway_watermarks cascade",
        )

    def topic(self, gateway):
        return f"frostguard/v1/org-0/gw{gateway:04d}/readings"

    def payload(self, rows):
        readings = [
            f'{{"sensor":"{s.lower()}","at":"{ts}","temperature":{t},"humidity":{h},"batteryPercent":{b},"rssi":{r}}}'
            for s, ts, t, h, b, r in rows
        ]
        return (readings[0] if len(readings) == 1 else '{"readings":[' + ",".join(readings) + "]}").encode()

    def ids(self, pg, db):
        """Ids the first user may see, each time in the same order, so that a line of requests renames one unit."""

        def first(column):
            return pg.sql(
                db,
                f"select distinct {column} from units u join alerts l on l.unit_id = u.id"
                " where u.organization_id = md5('org0')::uuid order by 1 limit 2000",
            ).split()

        return {"unit": first("u.id"), "area": first("u.area_id"), "alert": first("l.id")}

    def ws_path(self, token):
        return "/ws"

    def ws_hello(self, token):
        """Everybody follows all units of the organization, as the peers send everything to everybody."""
        organization = uuid.UUID(hashlib.md5(b"org0", usedforsecurity=False).hexdigest())
        return [
            f'{{"type":"auth","token":"{token}"}}',
            f'{{"type":"subscribe","topic":"org:{organization}:units"}}',
        ]

    def history(self, back_days):
        return "landing", ["unit_id", "recorded_at", "temperature", "humidity", "battery_percent", "rssi"]

    def wait_ready(self, limit=30):
        end = time.time() + limit
        while not self.ready_file.exists():
            if self.proc.poll() is not None or time.time() > end:
                raise RuntimeError(f"{self.name} did not start, see {self.name}.log")
            time.sleep(0.005)
        if self.serves:
            benv.wait_port(benv.HTTP_PORT)


def psql(db, text):
    """As the harness's own, for the steps at which it hands us no server."""
    return benv.Postgres.sql(None, db, text)


def frostguard(db, *words):
    environment = os.environ | {"DATABASE_URL": benv.dsn(db)}
    subprocess.run([os.environ["FROSTGUARD"], *words], env=environment, check=True, stdout=subprocess.DEVNULL)
