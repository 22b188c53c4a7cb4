"""One command starts it all: from `frostguard up --demo` to a row, a crash, a stop, and the data found again."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from frostguard.local.broker import find_mosquitto
from tests.mqtt_peer import Peer
from tests.waiting import eventually

COUNT_EARLIER = "select count(*) from sensor_readings where recorded_at < now() - interval '1 minute'"
COUNT = "select count(*) from sensor_readings r join sensors s on s.id = r.sensor_id where s.serial = %s"
# Settings of whoever runs the tests are none of ours.
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if name not in {"DATABASE_URL", "MQTT_URL", "PORT", "HOST", "JWT_SECRET"}
}


@contextmanager
def up(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict]]:
    """The running command and its ready line; stopped at the end if the test did not."""
    command = [sys.executable, "-m", "frostguard.cli", "up", "--data-dir", str(folder), "--port", "0",
               "--mqtt-port", "0", "--json", *arguments]  # fmt: skip
    with (folder.parent / "progress").open("a") as progress:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=progress, text=True, env=ENVIRONMENT)
    try:
        line = process.stdout.readline()
        assert line, (folder.parent / "progress").read_text()
        yield process, json.loads(line)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(20)
        process.stdout.close()


def left_behind(folder: Path) -> list[str]:
    """Command lines of processes that have the lock of the folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(link.readlink() == folder / "lock" for link in (process / "fd").iterdir()):
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue  # it ended meanwhile, or is not ours to look at
    return found


def rows(ready: dict) -> int:
    with psycopg.connect(ready["database"]) as connection:
        return connection.execute(COUNT, (ready["demo"]["sensor"],)).fetchone()[0]


def of_the_day_before(ready: dict) -> int:
    with psycopg.connect(ready["database"]) as connection:
        return connection.execute(COUNT_EARLIER).fetchone()[0]


def publish(ready: dict, celsius: float) -> None:
    gateway, port = ready["demo"]["gateway"], int(ready["mqtt"].rpartition(":")[2])
    payload = json.dumps({"sensor": ready["demo"]["sensor"], "temperature": celsius}).encode()
    with Peer(port, gateway["id"], gateway["password"], level=4) as spare:
        assert spare.refused is None
        spare.publish(gateway["topic"], payload)


def may_log_in(ready: dict, user: dict) -> bool:
    body = json.dumps({"email": user["email"], "password": user["password"]}).encode()
    request = urllib.request.Request(
        f"{ready['api']}/auth/login", body, {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.status == 200 and "access_token" in json.load(answer)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("broker", ["mosquitto", "embedded"])
def test_from_nothing_to_a_row_and_back(tmp_path: Path, broker: str) -> None:
    if broker == "mosquitto" and find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    folder = tmp_path / "data"
    with up(folder, "--demo", "--broker", broker) as (process, ready):
        assert ready["event"] == "ready"
        assert ready["data_dir"] == str(folder)
        if ready["api"]:
            assert all(may_log_in(ready, user) for user in ready["demo"]["users"])
        publish(ready, 4.2)
        eventually(lambda: rows(ready) == 1, "the reading is stored", 30)
        eventually(lambda: of_the_day_before(ready) > 100_000, "the demo has a day to show", 60)
        stop = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert time.monotonic() - stop < 10, "the promise is ten seconds"
        assert process.stdout.read() == "", "one line and nothing else"
    assert left_behind(folder) == []

    with up(folder, "--demo", "--broker", broker) as (process, again):
        assert again == ready, "ports, passwords and ids are found again"
        assert of_the_day_before(again) < 200_000, "a day is enough"
        assert rows(again) == 1
        second = subprocess.run(
            [sys.executable, "-m", "frostguard.cli", "up", "--data-dir", str(folder)],
            capture_output=True, text=True, check=False, env=ENVIRONMENT,
        )  # fmt: skip
        assert second.returncode == 1
        assert second.stderr.count("\n") == 1
        assert "is in use by another `frostguard up`" in second.stderr
        process.kill()
        process.wait()
        eventually(lambda: left_behind(folder) == [], "a killed run leaves nothing behind")


@pytest.mark.timeout(180)
def test_what_crashes_comes_back(tmp_path: Path) -> None:
    folder, progress = tmp_path / "data", tmp_path / "progress"
    with up(folder, "--demo") as (_, ready):
        publish(ready, 1.0)
        eventually(lambda: rows(ready) == 1, "the reading is stored", 30)
        for program, part in (("-m ingest", "ingest"), ("/bin/postgres -D", "postgresql")):
            os.kill(pid_of(program, folder), signal.SIGKILL)
            eventually(lambda part=part: f"{part} runs again" in progress.read_text(), f"{part} runs again", 60)
        publish(ready, 2.0)
        eventually(lambda: rows(ready) == 2, "readings are stored again", 60)
    assert left_behind(folder) == []


def pid_of(words: str, folder: Path) -> int:
    """The process with these words in its command line that holds the lock of the folder and has no such parent."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_text().replace("\0", " ")
            links = [link.readlink() for link in (process / "fd").iterdir()]
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if words in line and folder / "lock" in links:
            found[process.name] = parent
    [top] = [pid for pid, parent in found.items() if parent not in found]
    return int(top)
