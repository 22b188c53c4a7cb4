"""Kill what can be killed, under load, and count: lost, phantom, double and changed must all be zero.

The short form runs with the fast tests; `make chaos` runs the long one. Each promise has its negative control, which
must break it, or the test would prove nothing.
"""

import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.rig import Rig, rigged

KINDS = ("daemon", "postgres", "postgres immediate", "broker gracefully", "broker", "daemon and broker")


def kill_daemon(rig: Rig) -> None:
    rig.kill_daemon()
    rig.start_daemon()


def kill_postgres(rig: Rig) -> None:
    rig.crash_postgres()


def stop_postgres_immediately(rig: Rig) -> None:
    rig.postgres.stop(signal.SIGQUIT)
    rig.postgres.start()


def restart_broker(rig: Rig) -> None:
    rig.broker.stop(signal.SIGTERM)
    rig.broker.start()


def kill_broker(rig: Rig) -> None:
    rig.broker.stop(signal.SIGKILL)
    rig.broker.start()


def kill_daemon_and_broker(rig: Rig) -> None:
    rig.kill_daemon()
    rig.broker.stop(signal.SIGKILL)
    rig.broker.start()
    rig.start_daemon()


FAULTS: dict[str, Callable[[Rig], None]] = dict(
    zip(
        KINDS,
        (
            kill_daemon,
            kill_postgres,
            stop_postgres_immediately,
            restart_broker,
            kill_broker,
            kill_daemon_and_broker,
        ),
        strict=True,
    )
)


def run(rig: Rig, faults: list[str], *, rate: int, seconds_between: float, options: tuple[str, ...] = ()) -> None:
    """Publish at `rate` while the faults happen, one after the other, at random moments; then let it come to rest."""
    rig.start_daemon()
    simulator = rig.publish("--rate", str(rate), "--drain", "90", *options)
    for fault in faults:
        time.sleep(random.uniform(0.5, 1.5) * seconds_between)
        FAULTS[fault](rig)
    time.sleep(seconds_between)
    simulator.send_signal(signal.SIGTERM)  # publish no more, wait for what is out
    rig.finish()
    rig.settle()


def report(name: str, rig: Rig, faults: list[str]) -> None:
    print(f"\n{name}: {len(faults)} faults, {rig.verdict()}")


def test_nothing_that_we_committed_to_is_lost_whoever_is_killed(tmp_path: Path) -> None:
    with rigged(tmp_path) as rig:
        faults = ["daemon", "postgres", "broker", "daemon and broker"]
        run(rig, faults, rate=1000, seconds_between=1.0)
        verdict = rig.verdict()
        report("short", rig, faults)
    assert verdict.stored == verdict.sent, "with the watermark even what the broker forgot comes again"
    assert not verdict.faults, verdict


def test_acknowledging_on_receipt_loses_readings_when_the_daemon_is_killed(tmp_path: Path) -> None:
    with rigged(tmp_path, program="tests.chaos.early_ack") as rig:
        # Without the watermark the gateways forget at PUBACK, so nothing but the acknowledgement protects a reading.
        run(rig, ["daemon"] * 3, rate=3000, seconds_between=1.0, options=("--plain",))
        verdict = rig.verdict()
        report("control: early acknowledgement", rig, ["daemon"] * 3)
    assert verdict.lost_acknowledged > 0, verdict


def test_the_same_gateways_lose_nothing_to_a_daemon_that_acknowledges_after_the_commit(tmp_path: Path) -> None:
    with rigged(tmp_path) as rig:
        run(rig, ["daemon"] * 3, rate=3000, seconds_between=1.0, options=("--plain",))
        verdict = rig.verdict()
        report("acknowledgement after the commit", rig, ["daemon"] * 3)
    assert not verdict.faults, verdict


def test_without_the_watermark_a_killed_broker_loses_what_it_had_acknowledged(tmp_path: Path) -> None:
    with rigged(tmp_path) as rig:
        run(rig, ["daemon and broker"] * 2, rate=3000, seconds_between=1.0, options=("--plain",))
        verdict = rig.verdict()
        report("control: no watermark", rig, ["daemon and broker"] * 2)
    assert verdict.lost_acknowledged > 0, verdict


@pytest.mark.chaos
@pytest.mark.timeout(1800)
def test_long_run_of_every_fault_at_2000_readings_a_second(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"\nseed {seed}")
    random.seed(seed)
    faults = ["daemon"] * 10 + ["postgres"] * 5 + ["postgres immediate"] * 5 + ["broker gracefully"] * 5
    faults += ["broker"] * 5 + ["daemon and broker"] * 4
    random.shuffle(faults)
    with rigged(tmp_path) as rig:
        run(rig, faults, rate=2000, seconds_between=3.0)
        verdict = rig.verdict()
        report("long", rig, faults)
    assert verdict.stored == verdict.sent
    assert not verdict.faults, verdict
