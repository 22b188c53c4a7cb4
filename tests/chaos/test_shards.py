"""Several daemons that share the work, killed one by one, and exchanged for more or fewer while readings come."""

import asyncio
import contextlib
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from frostguard.domain.shards import WHOLE, Shard
from tests.chaos.rig import eventually
from tests.chaos.sharded import ORGANIZATIONS, ShardedRig

FIRST, SECOND = Shard(0, 2), Shard(1, 2)
# Without the watermark gateways forget at the broker's PUBACK: what is lost behind it is lost.
PLAIN = ("--plain", "--drain", "60")


@contextlib.contextmanager
def sharded(folder: Path, **options: int) -> Iterator[ShardedRig]:
    rig = ShardedRig(folder, **options)
    try:
        rig.start()
        yield rig
    finally:
        rig.stop()


def is_right(rig: ShardedRig) -> None:
    """Nothing lost, invented, stored twice or changed; and judged as by one daemon that saw everything once."""
    verdict = rig.verdict()
    assert not verdict.faults, verdict
    assert verdict.stored == verdict.sent
    report = asyncio.run(rig.judged())
    assert not report.incomparable
    assert report.differences == []
    assert report.units == rig.gateways * rig.sensors
    with psycopg.connect(rig.database) as c:
        assert c.execute("select count(*) from dead_letters").fetchone() == (0,)
        spoken = c.execute("select count(distinct organization_id) from unit_states").fetchone()
    assert spoken == (ORGANIZATIONS,)


def sessions_of(rig: ShardedRig) -> set[tuple[int, int]]:
    """Which shards of which layouts have begun to listen."""
    with psycopg.connect(rig.database) as c:
        return {(row[0], row[1]) for row in c.execute("select shard, shards from outages").fetchall()}


def test_one_of_two_daemons_is_killed_again_and_again_while_the_other_goes_on(tmp_path: Path) -> None:
    with sharded(tmp_path) as rig:
        rig.begin(FIRST, SECOND)
        simulator = rig.publish("--rate", "800", *PLAIN)
        for shard in (FIRST, SECOND, FIRST):
            time.sleep(random.uniform(0.4, 1.0))
            rig.end(shard, signal.SIGKILL)
            rig.begin(shard)
        stranger = Shard(0, 3)
        rig.launch(stranger)
        log = rig.log_of(stranger)
        eventually(lambda: log.exists() and "another layout" in log.read_text(), 30, "it says why it waits")
        time.sleep(1.5)  # it has tried again meanwhile, and says nothing new
        simulator.send_signal(signal.SIGTERM)
        rig.finish()
        rig.settle()
        assert log.read_text().count("daemons of another layout are at work: 2 shards; this is shard 0/3") == 1
        assert "connected" not in log.read_text()
        is_right(rig)
        assert sessions_of(rig) == {(0, 2), (1, 2)}


def test_the_number_of_daemons_changes_while_readings_come(tmp_path: Path) -> None:
    with sharded(tmp_path) as rig:
        rig.begin(WHOLE)
        simulator = rig.publish("--rate", "500", *PLAIN)
        rig.change(1, 2)
        rig.change(2, 1)
        simulator.send_signal(signal.SIGTERM)
        rig.finish()
        rig.settle()
        is_right(rig)
        assert sessions_of(rig) == {(0, 1), (0, 2), (1, 2)}


@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_long_run_of_four_daemons_and_ten_kills(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"\nseed {seed}")
    random.seed(seed)
    with sharded(tmp_path, gateways=32, sensors=10) as rig:
        four = [Shard(number, 4) for number in range(4)]
        rig.begin(*four)
        simulator = rig.publish("--rate", "2000", *PLAIN)
        for _ in range(10):
            time.sleep(random.uniform(0.5, 3.0))
            shard = random.choice(four)
            rig.end(shard, signal.SIGKILL)
            rig.begin(shard)
        simulator.send_signal(signal.SIGTERM)
        rig.finish()
        rig.settle()
        print(f"four daemons, ten kills: {rig.verdict()}")
        is_right(rig)


@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_long_run_from_one_to_two_to_four_to_one_with_a_kill_in_each(tmp_path: Path) -> None:
    with sharded(tmp_path) as rig:
        rig.begin(WHOLE)
        simulator = rig.publish("--rate", "1000", *PLAIN)
        for before, after in ((1, 2), (2, 4), (4, 1)):
            rig.end(Shard(before - 1, before), signal.SIGKILL)
            rig.begin(Shard(before - 1, before))
            rig.change(before, after)
        simulator.send_signal(signal.SIGTERM)
        rig.finish()
        rig.settle()
        print(f"1, 2, 4, 1 daemons: {rig.verdict()}")
        is_right(rig)
