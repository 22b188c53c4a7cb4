"""Disks that run full under database and broker, memory that runs out: nothing is lost, and it goes on alone."""

import contextlib
import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from frostguard.local.broker import find_mosquitto
from tests.chaos.rig import Rig, eventually, rigged

pytestmark = pytest.mark.chaos

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A disk of its own, which `mount -o remount` can make larger."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=777", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


def enlarge(folder: Path, size: str) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", str(folder)], check=True)


def log_of(rig: Rig) -> str:
    return (rig.folder / "ingest.log").read_text()


@pytest.mark.case("B10")
@needs_root
def test_a_full_disk_of_the_database_holds_batches_back_and_loses_none(
    tmp_path: Path, case: Callable[..., None]
) -> None:
    """B10: readings lie in a tablespace on a disk that is too small for them, until it is made larger."""
    with small_disk(tmp_path / "disk", "6m") as disk, rigged(tmp_path / "rig", gateways=20, sensors=10) as rig:
        place = disk / "readings"
        place.mkdir(mode=0o777)
        place.chmod(0o777)
        owner = Path(rig.postgres.folder).stat()
        os.chown(place, owner.st_uid, owner.st_gid)
        place.chmod(0o700)
        with psycopg.connect(rig.database, autocommit=True) as c:
            c.execute(f"create tablespace small location '{place}'")
            c.execute("alter database postgres set default_tablespace = small")
        rig.start_daemon()
        rig.publish("--rate", "5000", "--count", "60000")
        eventually(lambda: "a batch is tried again" in log_of(rig), 60, "the disk is full")
        full = time.monotonic()
        eventually(lambda: rig.metric("frostguard_database_connected") == 0, 30, "the daemon says so")
        case("told after it was full", time.monotonic() - full, "s", below=10)
        stored = rig.count()
        enlarge(disk, "200m")
        enlarged = time.monotonic()
        eventually(lambda: rig.count() > stored, 60, "it goes on alone")
        case("goes on after there is space", time.monotonic() - enlarged, "s")
        rig.finish()
        rig.settle()
        verdict = rig.verdict()
        assert verdict.faults == {}
        case("readings stored", verdict.stored, equal=60_000)
        assert rig.kill_daemon(signal.SIGTERM) == 0
        rig.stop()


@pytest.mark.case("C3")
@needs_root
def test_a_full_disk_of_the_broker_loses_nothing_that_we_have_promised(
    tmp_path: Path, case: Callable[..., None]
) -> None:
    """C3: its snapshots fail, and then it is killed with a backlog: gateways send again what was not committed."""
    with rigged(tmp_path / "rig", gateways=10, sensors=5) as rig:
        rig.start_daemon()
        rig.broker.stop()
        kept = rig.broker.folder / "mosquitto.db"
        with small_disk(tmp_path / "disk", "256k") as disk:
            configuration = rig.broker.folder / "mosquitto.conf"
            _broker_on(rig, configuration, disk, kept)
            rig.publish("--rate", "1000", "--count", "10000")
            eventually(lambda: rig.count() > 2000, 60, "readings come")
            rig.kill_daemon(signal.SIGTERM)
            time.sleep(2)  # a backlog
            rig.broker.process.send_signal(signal.SIGUSR1)  # as autosave_interval does, now
            eventually(lambda: "No space left" in rig.broker.log.read_text(), 20, "the snapshot fails")
            rig.broker.process.kill()
            rig.broker.process.wait()
            _broker_on(rig, configuration, disk, kept)
            rig.start_daemon()
            rig.finish(240)
            rig.settle()
        verdict = rig.verdict()
        assert verdict.faults.keys() <= {"lost_acknowledged"}, "what the broker alone had promised may be lost with it"
        case("lost of what was committed", verdict.lost_committed, equal=0)
        case("stored, because gateways that number their readings send them again", verdict.stored, equal=10_000)


def _broker_on(rig: Rig, configuration: Path, disk: Path, kept: Path) -> None:
    """Start the broker with its files on another disk."""
    local = configuration.read_text()
    if str(disk) not in local:
        configuration.write_text(local.replace(f"persistence_location {kept.parent}/", f"persistence_location {disk}/"))
        (disk / "ballast").write_bytes(b"\0" * 200_000)
    with rig.broker.log.open("ab") as log:
        rig.broker.process = subprocess.Popen(
            [str(find_mosquitto()), "-c", str(configuration)], stdout=log, stderr=log, start_new_session=True
        )
    eventually(rig.broker.takes_connections, 20, "the broker answers")


@pytest.mark.case("E5")
def test_memory_that_runs_out_costs_a_restart_and_no_reading(tmp_path: Path, case: Callable[..., None]) -> None:
    """E5: an address space that leaves the daemon next to nothing, again and again, while readings come in."""
    with rigged(tmp_path, gateways=20, sensors=10) as rig:
        rig.start_daemon()
        rig.publish("--rate", "3000", "--count", "40000")
        deaths = 0
        for _ in range(4):
            assert rig.daemon
            size = int(Path(f"/proc/{rig.daemon.pid}/statm").read_text().split()[0]) * resource.getpagesize()
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(rig.daemon.pid, resource.RLIMIT_AS, (size + 65_536, size + 65_536))
            end = time.monotonic() + 4
            while rig.daemon.poll() is None and time.monotonic() < end:
                time.sleep(0.05)
            deaths += rig.daemon.poll() is not None
            if rig.daemon.poll() is None:  # it got on without: a kill stands for the kernel's
                rig.daemon.kill()
            rig.daemon.wait()
            rig.start_daemon()
        rig.finish(240)
        rig.settle()
        verdict = rig.verdict()
        case("daemons that died of it, of 4", deaths)
        assert verdict.faults == {}
        case("readings stored", verdict.stored, equal=40_000)
