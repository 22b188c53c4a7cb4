"""Secrets stay secret: the programs run with marked ones, through success and failure; no mark comes out.

What is looked through: all logs (at DEBUG, with the request log on), every answer, metrics, traces, what commands
print, and the command lines and environments of all processes of the run.
"""

import base64
import contextlib
import io
import json
import os
import secrets as random
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock
from urllib.parse import quote, urlsplit

import psycopg
import pytest

from frostguard.cli.main import main
from frostguard.gateway_passwords import mosquitto_hash
from frostguard.local.broker import DAEMON, Broker, find_mosquitto
from frostguard.local.ports import free_port
from tests.collector import Collector, collecting
from tests.factories import GATEWAY, plant
from tests.supervising import ROOT
from tests.waiting import eventually

USER = "owner@example.com"


class Marks:
    """One marked secret for each setting that is one, and for each thing that people and gateways send."""

    NAMES = ("DATABASE", "MQTT", "JWT", "PREVIOUS", "SMTP", "S3KEY", "S3SECRET", "USER", "GATEWAY", "TYPO")

    def __init__(self) -> None:
        # In each a character that URLs escape: the escaped form is a leak, too. The mark is what stands before it.
        self.mark = {name: f"mark{name.lower()}{random.token_hex(12)}" for name in self.NAMES}
        self.secret = {name: f"{mark}/@{mark}" for name, mark in self.mark.items()}
        # What is given out later: tokens.
        self.tokens: list[str] = []

    def quoted(self, name: str) -> str:
        return quote(self.secret[name], safe="")

    def found_in(self, text: str) -> list[str]:
        """Names of the secrets that the text gives away, in whatever form."""
        found = [name for name, mark in self.mark.items() if mark in text]
        for name, mark in self.mark.items():
            # Whatever stands before it, one of three ways in which its bytes fall into base64.
            ways = {base64.b64encode((" " * n + mark).encode()).decode()[n + 4 : -4] for n in range(3)}
            found += [f"{name} in base64"] * any(way in text for way in ways)
        return found + ["a token"] * any(token in text for token in self.tokens)


@dataclass
class Run:
    """The system under the marks, and all that came out of it: what -> text."""

    folder: Path
    environment: dict[str, str]
    marks: Marks
    came_out: dict[str, str] = field(default_factory=dict)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, program: str, **changes: str) -> subprocess.Popen[bytes]:
        with (self.folder / "programs.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", program], env={**self.environment, **changes}, cwd=ROOT, stdout=log, stderr=log
            )
        self.processes.append(process)
        return process

    def command(self, *arguments: str, **changes: str) -> None:
        """Run a command of ours in this process; what it prints is kept."""
        out = io.StringIO()
        clean = {key: value for key, value in os.environ.items() if not key.endswith(("_URL", "_SECRET", "_FILE"))}
        with (
            mock.patch.dict(os.environ, {**clean, **self.environment, **changes}, clear=True),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(out),
            contextlib.suppress(SystemExit),
        ):
            main(arguments)
        assert out.getvalue()
        self.came_out[f"frostguard {' '.join(arguments)} {sorted(changes)}"] = out.getvalue()

    def call(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, str]:
        """A request to the API (or, with a whole URL, to the daemon); its answer is kept."""
        base = "" if path.startswith("http") else (self.folder / "api.ready").read_text().strip()
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            base + path, data, {"Content-Type": "application/json", **headers}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                status, text, shown = answer.status, answer.read().decode(), str(answer.headers)
        except urllib.error.HTTPError as error:
            with error:
                status, text, shown = error.code, error.read().decode(), str(error.headers)
        self.came_out[f"{method} {urlsplit(path).path} -> {status} ({len(self.came_out)})"] = text + shown
        return status, text

    def look_at_processes(self) -> None:
        for process in self.processes:
            for name in ("cmdline", "environ"):
                with contextlib.suppress(OSError):
                    text = Path(f"/proc/{process.pid}/{name}").read_bytes().decode("utf-8", "replace")
                    self.came_out[f"{name} of {process.pid}"] = text

    def stop(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(15)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker(tmp_path / "broker", free_port(), kind="mosquitto" if find_mosquitto() else "embedded")
    made.folder.mkdir()
    yield made
    made.stop()


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as found:
        yield found


@pytest.fixture
def run(database: str, broker: Broker, collector: Collector, tmp_path: Path) -> Iterator[Run]:
    marks, role = Marks(), f"marked_{random.token_hex(4)}"
    plant(database)
    broker.set_passwords({DAEMON: mosquitto_hash(marks.secret["MQTT"])})
    parts = urlsplit(database)
    place = f"{parts.hostname}:{parts.port}{parts.path}"
    given = {
        "DATABASE_URL": f"postgresql://{role}:{marks.quoted('DATABASE')}@{place}",
        "MQTT_URL": f"mqtt://{DAEMON}:{marks.quoted('MQTT')}@127.0.0.1:{broker.port}",
        "JWT_SECRET": marks.secret["JWT"],
        "JWT_PREVIOUS_SECRET": marks.secret["PREVIOUS"],
        "SMTP_URL": f"smtp://post:{marks.quoted('SMTP')}@127.0.0.1:{free_port()}",
        "S3_ACCESS_KEY": marks.secret["S3KEY"],
        "S3_SECRET_KEY": marks.secret["S3SECRET"],
    }
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    for name, text in given.items():
        (credentials / name).write_text(text + "\n")
    environment = {
        "PATH": os.environ["PATH"], "CREDENTIALS_DIRECTORY": str(credentials), "LOG_LEVEL": "DEBUG",
        "REQUEST_LOG": "true", "PORT": "0", "INGEST_PORT": "0", "READY_FILE": str(tmp_path / "ingest.ready"),
        "API_READY_FILE": str(tmp_path / "api.ready"), "DATABASE_COMMAND_TIMEOUT": "3", "S3_BUCKET": "marked",
        "S3_ENDPOINT": f"http://127.0.0.1:{free_port()}", "AWS_MAX_ATTEMPTS": "1",
        "TRACE_ENDPOINT": collector.url, "TRACE_ONE_MESSAGE_IN": "1", "TRACE_ONE_REQUEST_IN": "1",
    }  # fmt: skip
    with psycopg.connect(database, autocommit=True) as c:
        c.execute(f"create role {role} superuser login password '{marks.secret['DATABASE']}'")
        c.execute("update gateways set password_hash = %s", (mosquitto_hash(marks.secret["GATEWAY"]),))
        made = Run(tmp_path, environment, marks)
        yield made
        made.stop()
        c.execute(f"reassign owned by {role} to current_user; drop owned by {role}; drop role {role}")


def ready(run: Run, name: str) -> None:
    eventually(
        (run.folder / f"{name}.ready").exists,
        f"{name} is ready: {(run.folder / 'programs.log').read_text()[-800:]}",
        30,
    )


def people(run: Run) -> None:
    """Sign up, sign in, fail to, forget; with tokens where they belong and where they do not."""
    password = run.marks.secret["USER"][:70]
    sign_up = {"email": USER, "password": password, "fullName": "O", "organizationName": "Org"}
    run.call("POST", "/auth/register", sign_up | {"password": run.marks.mark["TYPO"][:6] + run.marks.mark["TYPO"] * 4})
    run.call("POST", "/auth/register", sign_up | {"password": [run.marks.secret["USER"]]})
    run.call("POST", "/auth/register", sign_up)
    run.call("POST", "/auth/login", {"email": USER, "password": run.marks.secret["TYPO"][:70]})
    run.call("POST", "/auth/login", f'{{"email": "{USER}", "password": "{run.marks.secret["USER"]}'.encode())
    status, text = run.call("POST", "/auth/login", {"email": USER, "password": password})
    assert status == 200, text
    run.came_out.popitem()  # a token's own answer gives it out
    tokens = json.loads(text)
    run.marks.tokens += [tokens["access_token"], tokens["refresh_token"]]
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert run.call("GET", "/auth/me", **bearer)[0] == 200
    run.call("GET", f"/auth/me?access_token={tokens['access_token']}")
    run.call("GET", "/auth/me", Authorization=f"Bearer {tokens['access_token']}x")
    run.call("POST", "/auth/refresh", {"refresh_token": tokens["refresh_token"] + "x"})
    run.call("POST", "/auth/password/forgot", {"email": USER})
    run.call("POST", "/auth/password/reset", {"token": run.marks.secret["TYPO"], "password": run.marks.mark["TYPO"]})


def gateways(run: Run) -> None:
    """Readings by HTTP with the right and with a wrong key."""
    for name in ("GATEWAY", "TYPO"):
        key = base64.b64encode(f"{GATEWAY}:{run.marks.secret[name]}".encode()).decode()
        run.call(
            "POST", "/ingest/readings", {"readings": [{"sensor": "s", "temperature": 4}]}, Authorization=f"Basic {key}"
        )


def test_a_leak_would_be_found_in_whatever_form() -> None:
    marks = Marks()
    marks.tokens.append("a.token.of-somebody")
    for name, secret in marks.secret.items():
        for before in ("", "a:", "ab:"):
            key = base64.b64encode(f"{before}{secret}".encode()).decode()
            assert f"{name} in base64" in marks.found_in(f"Authorization: Basic {key}")
        for text in (secret, quote(secret), quote(secret, safe=""), repr(secret), json.dumps({"password": secret})):
            assert name in marks.found_in(f"cannot connect with {text}: refused")
    assert marks.found_in("GET /auth/me?access_token=a.token.of-somebody") == ["a token"]
    assert marks.found_in("all is well") == []


def test_no_secret_comes_out_anywhere(run: Run, broker: Broker, database: str, collector: Collector) -> None:
    broker.start()
    run.start("ingest")
    run.start("api")
    ready(run, "ingest")
    ready(run, "api")
    people(run)
    gateways(run)
    metrics = (run.folder / "ingest.ready").read_text().strip()
    for path in ("/metrics", "/health", "/openapi.json", "/nowhere", f"{metrics}/metrics", f"{metrics}/readyz"):
        run.call("GET", path)
    for command in (["check-config"], ["status"], ["housekeeping"], ["archive", "run"], ["users", "list"], ["migrate"]):
        run.command(*command)
    run.look_at_processes()
    fail(run, broker, database, metrics)
    run.stop()
    run.came_out["logs"] = (run.folder / "programs.log").read_text()
    run.came_out["log of the broker"] = broker.log.read_text()
    run.came_out["traces"] = collector.raw.decode("utf-8", "replace")
    given_away = {what: found for what, text in run.came_out.items() if (found := run.marks.found_in(text))}
    assert given_away == {}
    assert len(run.came_out) > 25
    assert "request" in run.came_out["logs"], "the request log was on"
    assert {span.service for span in collector.spans} == {"frostguard-api", "frostguard-ingest"}


def fail(run: Run, broker: Broker, database: str, metrics: str) -> None:
    """Take everything away, refuse everything, give nonsense: messages of errors are where secrets come out."""
    broker.stop()
    with psycopg.connect(database, autocommit=True) as c:
        c.execute(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name ~ '^frostguard'"
        )
    for path in ("/health", f"{metrics}/readyz"):
        run.call("GET", path)
    nonsense = {
        "DATABASE_URL": f"mysql://x:{run.marks.quoted('DATABASE')}@h/x",
        "MQTT_URL": f"mqtt:/x:{run.marks.quoted('MQTT')}@h",
        "SMTP_URL": f"http://x:{run.marks.quoted('SMTP')}@h",
        "JWT_SECRET": run.marks.mark["JWT"][:20],
    }
    wrong = {
        "DATABASE_URL": f"postgresql://nobody:{run.marks.quoted('DATABASE')}@127.0.0.1:{urlsplit(database).port}/x",
        "MQTT_URL": f"mqtt://{DAEMON}:{run.marks.quoted('TYPO')}@127.0.0.1:{broker.port}",
    }
    for changes in (nonsense, {"DATABASE_URL": wrong["DATABASE_URL"]}):
        started = [run.start(program, **changes) for program in ("ingest", "api")]
        assert 0 not in [process.wait(60) for process in started]
        run.command("migrate", **changes)
        run.command("check-config", **changes)
    broker.start()
    (run.folder / "ingest.ready").unlink()
    refused = run.start("ingest", MQTT_URL=wrong["MQTT_URL"], INGEST_SHARD="0/1")
    log = run.folder / "programs.log"
    eventually(lambda: "refuses us" in log.read_text() or "holds shard" in log.read_text(), "the broker refuses us", 30)
    refused.kill()
    refused.wait()
