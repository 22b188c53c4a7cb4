"""A rig with several organizations and several daemons, each with an account and a session of its own."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import psycopg

from frostguard.cli.shards import with_accounts
from frostguard.config import DatabaseSettings
from frostguard.domain.shards import Shard
from frostguard.gateway_passwords import mosquitto_hash
from frostguard.local import broker
from frostguard.local.broker import DAEMON
from frostguard.replay.verify import Report, verify
from frostguard.store.connection import connect
from tests.chaos.rig import PASSWORD, ROOT, Rig, _environment, eventually

LAYOUTS = (1, 2, 3, 4)
ORGANIZATIONS = 8
"""Their ids end in 0 to 7, so every shard of two and of four has some."""


class ShardedRig(Rig):
    """Daemons are named by their shards. The ACL of the broker has an account for each."""

    def __init__(self, folder: Path, gateways: int = 16, sensors: int = 5) -> None:
        super().__init__(folder, gateways, sensors)
        self.daemons: dict[Shard, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        text, before = broker.ACL.read_text(), broker.ACL
        for shards in LAYOUTS[1:]:
            text = with_accounts(text, shards)
        broker.ACL = self.folder / "acl"
        broker.ACL.write_text(text)
        try:
            super().start()
        finally:
            broker.ACL = before
        names = [gateway["id"] for gateway in self._fleet()["gateways"]]
        daemons = [DAEMON + Shard(number, shards).suffix for shards in LAYOUTS for number in range(shards)]
        self.broker.set_passwords(dict.fromkeys([*daemons, *names], mosquitto_hash(PASSWORD)))

    def _fleet(self) -> dict:
        fleet = super()._fleet()
        for number, gateway in enumerate(fleet["gateways"]):
            gateway["organization"] = f"org-{number % ORGANIZATIONS}"
        (self.folder / "fleet.json").write_text(json.dumps(fleet))
        return fleet

    def _register_fleet(self) -> None:
        with psycopg.connect(self.database, autocommit=True) as c:
            for number in range(ORGANIZATIONS):
                c.execute(
                    """with o as (insert into organizations (id, name, slug) values (%s, %s, %s) returning id),
                            s as (insert into sites (organization_id, name) select id, 'Site' from o
                                  returning id, organization_id)
                       insert into areas (organization_id, site_id, name) select organization_id, id, 'Area' from s""",
                    (UUID(int=0xA << 96 | number), f"Organization {number}", f"org-{number}"),
                )
            for gateway in self._fleet()["gateways"]:
                c.execute(
                    """insert into gateways (organization_id, serial, name)
                       select id, %s, %s from organizations where slug = %s""",
                    (gateway["id"], gateway["id"], gateway["organization"]),
                )
                for sensor in gateway["sensors"]:
                    c.execute(
                        """with u as (insert into units (organization_id, area_id, name, unit_type)
                             select o.id, a.id, %s, %s::unit_type
                               from organizations o join areas a on a.organization_id = o.id where o.slug = %s
                             returning id, organization_id)
                           insert into sensors (organization_id, unit_id, serial, is_primary, assigned_at)
                           select organization_id, id, %s, true, now() from u""",
                        (sensor["serial"], sensor["unit_type"], gateway["organization"], sensor["serial"]),
                    )

    @property
    def environment(self) -> dict[str, str]:
        return _environment() | {
            "DATABASE_URL": self.database,
            "MQTT_URL": f"mqtt://{DAEMON}{{shard}}:{PASSWORD}@127.0.0.1:{self.broker.port}",
            "INGEST_PORT": "0",
            "LOG_FORMAT": "text",
        }

    def log_of(self, shard: Shard) -> Path:
        return self.folder / f"ingest{shard.suffix}.log"

    def launch(self, shard: Shard) -> None:
        """Start a daemon."""
        self._ready_of(shard).unlink(missing_ok=True)
        environment = self.environment | {"READY_FILE": str(self._ready_of(shard))}
        with self.log_of(shard).open("ab") as log:
            self.daemons[shard] = subprocess.Popen(
                [sys.executable, "-m", "ingest", "--shard", str(shard)],
                env=environment, cwd=ROOT, stdout=log, stderr=log,
            )  # fmt: skip

    def begin(self, *shards: Shard) -> None:
        """Start daemons and wait until they are ready."""
        for shard in shards:
            self.launch(shard)
        for shard in shards:
            eventually(self._ready_of(shard).exists, 60, f"shard {shard} is ready")

    def end(self, shard: Shard, how: signal.Signals = signal.SIGTERM) -> None:
        """End a daemon."""
        process = self.daemons.pop(shard)
        process.send_signal(how)
        process.wait(30)

    def _ready_of(self, shard: Shard) -> Path:
        return self.folder / f"ready{shard.suffix}"

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a `frostguard` command as an operator would."""
        return subprocess.run(
            [sys.executable, "-m", "frostguard.cli", *words], cwd=ROOT, env={**os.environ, **self.environment},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def change(self, before: int, after: int) -> None:
        """Go from one number of daemons to another, as OPERATIONS.md says."""
        prepared = self.command("shards", "prepare", "--shards", str(after), "--wait", "60")
        assert prepared.returncode == 0, prepared.stdout + prepared.stderr
        for number in range(before):
            self.end(Shard(number, before))
        self.begin(*(Shard(number, after) for number in range(after)))
        forgotten = self.command("shards", "forget", "--shards", str(before))
        assert forgotten.returncode == 0, forgotten.stdout + forgotten.stderr

    async def judged(self) -> Report:
        """Compare states and alerts on record with what the readings come to."""
        connection = await connect(DatabaseSettings(url=self.database, command_timeout=60), "test")
        try:
            return await verify(connection)
        finally:
            await connection.close()

    def stop(self) -> None:
        for process in self.daemons.values():
            process.kill()
            process.wait()
        super().stop()
