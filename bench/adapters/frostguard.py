"""FrostGuard beside its peers: how the outside harness starts it, what it publishes to it, where the rows are.

FROSTGUARD names the installed command (.venv/bin/frostguard); its siblings are the daemon and the API.
"""

import os
import subprocess
import time
from pathlib import Path

import benv
from adapters import System

# The harness's fleet: n units, 10 an area, 50 a site, ids made from the index, one temperature sensor each; 1,000
# gateways; one organization per `orgs`, with one admin.
FLEET = """
insert into organizations (id, name, slug)
  select md5('org'||o)::uuid, 'Org '||o, 'org-'||o from generate_series(0, {orgs}-1) o;
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


class System_(System):
    does = {"ingest"}
    table, key_time = "sensor_readings", "recorded_at"
    env = {"INGEST_PORT": "0", "LOG_FORMAT": "text"}

    def command(self):
        return [str(Path(os.environ["FROSTGUARD"]).with_name("frostguard-ingest"))]

    def start(self, db, **extra):
        super().start(db, MQTT_URL=f"mqtt://127.0.0.1:{benv.MQTT_PORT}", **extra)

    def prepare(self, pg, db, orgs, units, back_days):
        pg.sql("postgres", f'CREATE DATABASE "{db}"')
        environment = os.environ | {"DATABASE_URL": benv.dsn(db)}
        subprocess.run([os.environ["FROSTGUARD"], "migrate"], env=environment, check=True, stdout=subprocess.DEVNULL)
        pg.sql(db, FLEET.format(orgs=orgs, units=units))

    def empty(self, pg, db):
        pg.sql(
            db,
            "truncate sensor_readings, held_readings, dead_letters, unit_states, sensor_states, alerts, alert_timeline, notification_outbox, events, outages, listening, gateway_watermarks cascade",
        )

    def topic(self, gateway):
        return f"frostguard/v1/org-0/gw{gateway:04d}/readings"

    def payload(self, rows):
        readings = [
            f'{{"sensor":"{s.lower()}","at":"{ts}","temperature":{t},"humidity":{h},"batteryPercent":{b},"rssi":{r}}}'
            for s, ts, t, h, b, r in rows
        ]
        return (readings[0] if len(readings) == 1 else '{"readings":[' + ",".join(readings) + "]}").encode()

    def history(self, back_days):
        return self.table, ["unit_id", "recorded_at", "temperature", "humidity", "battery_percent", "rssi"]

    def wait_ready(self, limit=30):
        end = time.time() + limit
        while not self.ready_file.exists():
            if self.proc.poll() is not None or time.time() > end:
                raise RuntimeError(f"{self.name} did not start, see {self.name}.log")
            time.sleep(0.005)
