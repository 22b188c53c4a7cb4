"""The API client of the earlier frontend, unchanged: compiled as its users do, run against a real API, calls checked.

tests/earlier_client/api-client.ts is that client to the letter. What its types promise is checked of every answer.
"""

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

import frostguard
from frostguard.security import hash_password
from frostguard.store import partitions
from tests.conftest import wait_for_exit
from tests.waiting import eventually

ROOT = Path(frostguard.__file__).parent.parent
SOURCES = ROOT / "tests" / "earlier_client"
# Of the file as it is in the browsers of those users. A client that was adapted to the API would prove nothing.
CLIENT_SHA256 = "a86062e75c2c61ff8bef99e6a2190fcbd6c146ded4a85d39896b8c2dc608611f"
EMAIL, PASSWORD = "kim@example.com", "correct horse"
READINGS = 10 * 288  # ten days, one each five minutes

needs_node = pytest.mark.skipif(
    not (shutil.which("node") and shutil.which("npm")), reason="node or npm is not installed"
)


def run(*command: str, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def compiler() -> Path:
    """The node_modules of the lock file, installed once for each content of it."""
    lock = (SOURCES / "package-lock.json").read_bytes()
    kept = ROOT / ".build" / "earlier-client" / hashlib.sha256(lock).hexdigest()[:16]
    if not kept.exists():
        fresh = kept.with_name(f"{kept.name}.{os.getpid()}")
        fresh.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(SOURCES / name, fresh)
        run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=fresh)
        try:
            fresh.rename(kept)
        except OSError:  # somebody else was faster
            shutil.rmtree(fresh)
    return kept / "node_modules"


def build(folder: Path, url: str) -> None:
    """Compile the client into the folder, and put the address in, as the frontend's bundler does."""
    shutil.copytree(SOURCES, folder)
    (folder / "node_modules").symlink_to(compiler())
    run("node", "node_modules/typescript/bin/tsc", "--project", "tsconfig.json", cwd=folder)
    built = folder / "built" / "api-client.js"
    script = built.read_text()
    assert script.count("import.meta.env.VITE_API_URL") == 1
    built.write_text(script.replace("import.meta.env.VITE_API_URL", json.dumps(url)))


@contextmanager
def api(database: str, folder: Path) -> Iterator[str]:
    """A running API, and where it is."""
    ready = folder / "ready"
    environment = {**os.environ, "DATABASE_URL": database, "JWT_SECRET": "0123456789 abcdefgh for tests only",
                   "PORT": "0", "API_READY_FILE": str(ready), "LOG_LEVEL": "WARNING"}  # fmt: skip
    for name in ("HOST", "CORS_ORIGIN"):  # the defaults are what the earlier system had
        environment.pop(name, None)
    process = subprocess.Popen([sys.executable, "-m", "api"], env=environment, cwd=ROOT)
    try:
        eventually(lambda: ready.exists() and ready.read_text().endswith("\n"), "the API is ready", 30)
        yield ready.read_text().strip()
    finally:
        process.terminate()
        assert wait_for_exit(process) == 0


async def furnish(database: str) -> dict[str, Any]:
    """An admin with a password of the earlier system, a unit with ten days of readings, two open alerts."""
    connection = await asyncpg.connect(database)
    try:
        return await _furnish(connection, datetime.now(UTC).replace(microsecond=0))
    finally:
        await connection.close()


async def _furnish(sql: asyncpg.Connection, now: datetime) -> dict[str, Any]:
    # The earlier system hashed at cost 10 and wrote 2a: the same algorithm by its older name.
    hashed = hash_password(PASSWORD, 10).replace("$2b$", "$2a$")
    user = await sql.fetchval("insert into users (email, password_hash) values ($1, $2) returning id", EMAIL, hashed)
    org = await sql.fetchval("insert into organizations (name, slug) values ('Kim Foods', 'kim-foods') returning id")
    await sql.execute(
        "insert into profiles (user_id, organization_id, email, full_name) values ($1, $2, $3, 'Kim Doe')",
        user, org, EMAIL,
    )  # fmt: skip
    await sql.execute("insert into user_roles (user_id, organization_id, role) values ($1, $2, 'admin')", user, org)
    site = await sql.fetchval("insert into sites (organization_id, name) values ($1, 'Market') returning id", org)
    area = await sql.fetchval(
        "insert into areas (organization_id, site_id, name) values ($1, $2, 'Store') returning id", org, site
    )
    unit = await sql.fetchval(
        "insert into units (organization_id, area_id, name) values ($1, $2, 'Fridge') returning id", org, area
    )
    sensor = await sql.fetchval(
        "insert into sensors (organization_id, serial, unit_id, is_primary, assigned_at)"
        " values ($1, 'a84041000181c061', $2, true, now()) returning id",
        org, unit,
    )  # fmt: skip
    await partitions.ensure(sql, [now - timedelta(days=n) for n in range(12)])
    # 3 and 5 °C in turn: every whole hour has the mean 4, whatever the time is now.
    await sql.execute(
        "insert into sensor_readings (unit_id, sensor_id, recorded_at, temperature, humidity)"
        " select $1, $2, $3::timestamptz - n * interval '5 minutes', 3 + n % 2 * 2, 50 from generate_series(0, $4) n",
        unit, sensor, now, READINGS - 1,
    )  # fmt: skip
    alerts = [await _alert(sql, kind, (org, site, unit), now) for kind in ("alarm_active", "door_open")]
    return {"email": EMAIL, "password": PASSWORD, "organizationId": str(org), "unitId": str(unit),
            "alertIds": [str(alert) for alert in alerts], "userId": str(user)}  # fmt: skip


async def _alert(sql: asyncpg.Connection, kind: str, where: tuple[UUID, UUID, UUID], now: datetime) -> UUID:
    hot = kind == "alarm_active"
    return await sql.fetchval(
        "insert into alerts (id, organization_id, site_id, unit_id, subject_id, alert_type, severity, status, title,"
        " opened_at, celsius, limits)"
        " values ($1, $2, $3, $4, $4, $5::text::alert_type, 'critical', 'active', 'Look at it', $6, $7, $8)"
        " returning id",
        uuid4(), *where, kind, now - timedelta(minutes=30 if hot else 10), 9.5 if hot else None,
        '{"low": -1.0, "high": 5.0}' if hot else None,
    )  # fmt: skip


REFUSED = {
    "login with a wrong password", "getUnit of nobody", "getSites after the logout", "getSites with the old token",
}  # fmt: skip


@needs_node
def test_the_earlier_client_works_unchanged(database: str, tmp_path: Path) -> None:
    given = asyncio.run(furnish(database))
    with api(database, tmp_path) as url:
        build(tmp_path / "client", url)
        said = run("node", "run.mjs", cwd=tmp_path / "client", GIVEN=json.dumps(given | {"url": url}))
    steps = json.loads(said)
    wrong = {name: step.get("error", "no error") for name, step in steps.items() if step["ok"] == (name in REFUSED)}
    assert wrong == {}
    signed_in_and_out(steps)
    hierarchy_as_made(steps, given)
    readings_newest_first(steps)
    alerts_moved(steps, given)


def signed_in_and_out(steps: dict[str, Any]) -> None:
    refused = steps["login with a wrong password"]
    assert refused["error"] not in ("", "Unknown error", "Request failed"), "the API's own sentence reaches the user"
    assert refused["tokens"] == [False, False]
    assert steps["login"]["tokens"] == [True, True]
    assert steps["logout"]["tokens"] == [False, False]
    for name, step in steps.items():
        signed_out = name in REFUSED - {"getUnit of nobody"}
        assert step["at"] == ("/login" if signed_out else "/"), f"{name}: only a 401 leads to the login"


def hierarchy_as_made(steps: dict[str, Any], given: dict[str, Any]) -> None:
    answers = {name: step.get("answer") for name, step in steps.items()}
    assert answers["getOrganization"]["id"] == given["organizationId"]
    assert [site["name"] for site in answers["getSites"]] == ["Market"]
    assert answers["createSite"]["city"] == "Kiel"
    made, bare = answers["createUnit"], answers["createUnit without limits"]
    assert (made["tempMin"], made["tempMax"]) == (0, 4.5)
    assert (bare["tempMin"], bare["tempMax"]) == (None, None)
    assert {unit["id"] for unit in answers["getUnits"]} == {made["id"], bare["id"]}
    assert answers["getUnit"] == made
    changed, sent_back = answers["updateUnit"], answers["updateUnit with a whole unit"]
    assert (changed["name"], changed["tempMax"]) == ("Fridge", 6)
    assert (sent_back["name"], sent_back["tempMax"]) == ("Cooler", 4.5), "the unit as it was read, with a new name"


def readings_newest_first(steps: dict[str, Any]) -> None:
    raw, hours = (steps[f"getReadings {span}"]["answer"] for span in ("24h", "7d"))
    for rows in (raw, hours):
        times = [datetime.fromisoformat(row["recordedAt"]) for row in rows]
        assert times == sorted(times, reverse=True)
    assert 287 <= len(raw) <= 289
    assert {row["temperature"] for row in raw} == {3, 5}
    assert 168 <= len(hours) <= 170
    whole = [row for row in hours[1:-1] if row["count"] == 12]
    assert len(whole) >= 160
    assert {(row["temperature"], row["temperatureMin"], row["temperatureMax"]) for row in whole} == {(4, 3, 5)}
    assert steps["getReadings of nothing"]["answer"] == []


def alerts_moved(steps: dict[str, Any], given: dict[str, Any]) -> None:
    hot, door = given["alertIds"]
    before, after = (steps[name]["answer"] for name in ("getAlerts", "getAlerts afterwards"))
    assert [alert["id"] for alert in before] == [door, hot], "newest first"
    assert before[1]["tempReading"] == 9.5
    assert before[1]["tempLimit"] == 5
    acknowledged, resolved = steps["acknowledgeAlert"]["answer"], steps["resolveAlert"]["answer"]
    assert (acknowledged["id"], acknowledged["status"]) == (hot, "acknowledged")
    assert acknowledged["acknowledgedBy"] == given["userId"]
    assert (resolved["id"], resolved["status"]) == (door, "resolved")
    assert resolved["resolvedBy"] == given["userId"]
    assert after == [resolved, acknowledged]


def test_the_client_is_the_one_that_its_users_have() -> None:
    assert hashlib.sha256((SOURCES / "api-client.ts").read_bytes()).hexdigest() == CLIENT_SHA256


def test_the_compiler_is_pinned_by_its_content_and_from_nowhere_in_particular() -> None:
    packages = json.loads((SOURCES / "package-lock.json").read_text())["packages"]
    assert set(packages) == {"", "node_modules/typescript"}
    for name, package in packages.items():
        assert "resolved" not in package
        assert not name or package["integrity"].startswith("sha512-")
