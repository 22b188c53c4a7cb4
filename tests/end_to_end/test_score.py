"""A scenario with a known truth through the whole system, and how well the alerts tell it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from frostguard.gateway_passwords import mosquitto_hash
from frostguard.local.broker import DAEMON, Broker, find_mosquitto
from frostguard.local.ports import free_port
from tests.conftest import wait_for_exit
from tests.waiting import eventually

PASSWORD = "of-the-tests"
Psql = Callable[..., list[tuple[Any, ...]]]
SCENARIO = "compressor-failure"  # a day of six units, two of which fail
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def run(database: str, tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Run one of our commands to its end; returns exit code and output."""

    def command(module: str, *arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments], cwd=tmp_path, env=environment(database), check=False,
            capture_output=True, text=True, timeout=100,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout

    return command


def environment(database: str) -> dict[str, str]:
    return os.environ | {"DATABASE_URL": database, "PYTHONPATH": f"{ROOT}:{ROOT / 'firmware-sim'}"}


@pytest.fixture
def fleet(run: Callable[..., tuple[int, str]], database: str) -> dict[str, Any]:
    """The scenario's fleet, registered the week before."""
    code, text = run("firmware_sim", "fleet", "--scenario", SCENARIO)
    assert code == 0
    fleet = json.loads(text)
    [gateway] = fleet["gateways"]
    with psycopg.connect(database) as c:
        c.execute("insert into organizations (name, slug) values ('Scenario', %s)", (gateway["organization"],))
        c.execute("insert into sites (organization_id, name) select id, 'Site' from organizations")
        c.execute("insert into areas (organization_id, site_id, name) select organization_id, id, 'Area' from sites")
        c.execute(
            "insert into gateways (organization_id, serial, name) select id, %s, %s from organizations",
            (gateway["id"], gateway["id"]),
        )
        for sensor in gateway["sensors"]:
            c.execute(
                """with u as (insert into units (organization_id, area_id, name, unit_type)
                                select organization_id, id, %s, %s::unit_type from areas returning id, organization_id)
                   insert into sensors (organization_id, unit_id, serial, is_primary, assigned_at, kind,
                                        report_interval_seconds)
                   select organization_id, id, %s, true, now(), %s, %s from u""",
                (sensor["unit"], sensor["unit_type"], sensor["serial"], sensor["kind"], sensor["interval_seconds"]),
            )
        for table in ("organizations", "sites", "units", "sensors"):
            c.execute(f"update {table} set updated_at = now() - interval '7 days'")
    return fleet


@pytest.fixture
def broker(fleet: dict[str, Any], tmp_path: Path) -> Iterator[Broker]:
    if find_mosquitto() is None:
        pytest.skip("no mosquitto on this machine")
    one = Broker(tmp_path / "broker", free_port())
    one.folder.mkdir()
    one.set_passwords(dict.fromkeys([DAEMON, *(g["id"] for g in fleet["gateways"])], mosquitto_hash(PASSWORD)))
    one.start()
    yield one
    one.stop()


@contextmanager
def daemon(database: str, broker: Broker, folder: Path) -> Iterator[None]:
    """The daemon, ready; stopped in order at the end."""
    ready = folder / "ready"
    ready.unlink(missing_ok=True)
    given = environment(database) | {
        "MQTT_URL": f"mqtt://{DAEMON}:{PASSWORD}@127.0.0.1:{broker.port}",
        "INGEST_PORT": "0",
        "READY_FILE": str(ready),
    }
    with (folder / "ingest.log").open("ab") as log:
        process = subprocess.Popen([sys.executable, "-m", "ingest"], cwd=folder, env=given, stdout=log, stderr=log)
    try:
        eventually(ready.exists, "the daemon is ready", 30)
        yield
        process.terminate()
        assert wait_for_exit(process) == 0
    finally:
        process.kill()
        process.wait()


def test_the_alerts_of_a_scenario_tell_its_truth_and_the_record_is_what_the_readings_come_to(
    run: Callable[..., tuple[int, str]], database: str, psql: Psql, broker: Broker, tmp_path: Path
) -> None:
    """The day is published while the daemon is away: by a clock that is hours ahead of them, doors would stand open."""
    with daemon(database, broker, tmp_path):
        pass  # the broker holds its session from now on
    code, said = run(
        "firmware_sim", "--scenario", SCENARIO, "--speedup", "20000", "--mqtt-url", f"mqtt://127.0.0.1:{broker.port}",
        "--password", PASSWORD, "--truth", "truth.jsonl", "--plain", "--quiet", "--json",
    )  # fmt: skip
    assert code == 0, said
    published = json.loads(said)["acknowledged"]
    with daemon(database, broker, tmp_path):
        eventually(lambda: psql("select count(*) from sensor_readings") == [(published,)], "all of it is stored", 60)
        eventually(lambda: psql("select count(*) from outages") == [(2,)], "the backlog is drained")
    code, listed = run("frostguard.cli", "alerts", "list", "--json")
    assert code == 0
    (tmp_path / "alerts.json").write_text(listed)
    code, scored = run("firmware_sim", "score", "--truth", "truth.jsonl", "--alerts", "alerts.json", "--json")
    score = json.loads(scored)
    print(f"latency against the rule, device time: {score['latency_seconds']}")  # for whoever runs it with -s
    assert (score["missed"], score["false"], score["double"], code) == (0, 0, 0, 0), scored
    assert score["detected"] >= 2
    assert score["latency_seconds"]["min"] > -270  # a sensor is ahead of the truth by its noise at the most
    code, verified = run("frostguard.cli", "replay", "--verify")
    assert code == 0, verified
    assert verified.endswith(": 0 differences\n")
    assert "6 of 6 units compared" in verified
