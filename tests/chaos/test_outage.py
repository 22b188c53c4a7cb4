"""The daemon is away while messages arrive, and a gateway sends nothing but garbage: nothing else may suffer.

An hour at 2,000 messages a second, scaled down: 20,000 messages with the fast tests, 500,000 with `make chaos`. The
gateways forget at the PUBACK here (`--plain`), so only the broker's limits and the daemon protect a reading.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from firmware_sim.ledger import read_planted
from frostguard.local.broker import Broker, find_mosquitto
from tests.chaos.rig import Rig, rigged
from tests.chaos.verify import Verdict

CAP = 100
LIMITS = ("max_queued_messages", "max_queued_bytes", "max_inflight_messages", "memory_limit")


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rigged(tmp_path_factory.mktemp("outage")) as rig:
        yield rig


@pytest.fixture
def rig(servers: Rig) -> Iterator[Rig]:
    yield servers
    servers.forget()


class BrokerWithDefaultLimits(Broker):
    """Negative control: Mosquitto without our queue limits."""

    def _command(self) -> list[str | Path]:
        command = super()._command()
        configuration = Path(command[-1])
        lines = configuration.read_text().splitlines()
        configuration.write_text("\n".join(line for line in lines if not line.startswith(LIMITS)) + "\n")
        return command


@contextmanager
def default_limits(rig: Rig) -> Iterator[None]:
    ours = rig.broker
    ours.stop()
    rig.broker = BrokerWithDefaultLimits(ours.folder, ours.port)
    rig.broker.start()
    try:
        yield
    finally:
        rig.broker.stop()
        rig.broker = ours
        ours.start()


def outage(rig: Rig, messages: int) -> Verdict:
    """Stop the daemon in order, let so many messages arrive, start it again; judge when everything has come to rest."""
    rig.start_daemon()  # once, so that the broker has a session to keep them for
    rig.kill_daemon(signal.SIGTERM)
    rig.publish("--plain", "--max", "--count", str(messages))
    rig.finish()
    assert rig.count() == 0, "somebody took them"
    rig.start_daemon()
    rig.settle()
    verdict = rig.verdict()
    with psycopg.connect(rig.database) as c:
        row = c.execute(
            "select extract(epoch from max(received_at) - min(received_at)) from sensor_readings"
        ).fetchone()
    seconds = float(row[0]) if row and row[0] else 0.0
    print(f"\noutage: {messages} messages, {verdict.stored} taken in {seconds:.1f} s, {verdict}")
    return verdict


def test_an_outage_of_the_daemon_loses_nothing(rig: Rig) -> None:
    verdict = outage(rig, 20_000)
    assert verdict.acknowledged == verdict.stored == 20_000
    assert not verdict.faults, verdict


@pytest.mark.skipif(find_mosquitto() is None, reason="there is no Mosquitto on the PATH, whose defaults these are")
def test_the_brokers_default_limits_lose_what_it_had_acknowledged(rig: Rig) -> None:
    with default_limits(rig):
        verdict = outage(rig, 5_000)
    assert verdict.lost_acknowledged > 0, verdict


@pytest.mark.chaos
@pytest.mark.timeout(1800)
def test_a_long_outage_loses_nothing(rig: Rig) -> None:
    verdict = outage(rig, 500_000)
    assert verdict.acknowledged == verdict.stored == 500_000
    assert not verdict.faults, verdict


def test_a_flood_of_garbage_fills_neither_table_nor_memory_and_the_neighbours_are_stored(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEAD_LETTERS_PER_HOUR", str(CAP))
    rig.start_daemon()
    before = rig.daemon_memory_mb()
    rig.publish("--rate", "1000", "--garbage", "3000", "--duration", "1")
    rig.finish()
    rig.settle()
    after = rig.daemon_memory_mb()
    verdict = rig.verdict()
    planted = sum(read_planted(rig.ledgers[0]).values())
    with psycopg.connect(rig.database) as c:
        hours = c.execute("select count(*) from dead_letters group by gateway_id, date_trunc('hour', received_at)")
        per_hour = [count for (count,) in hours]
        beyond = c.execute("select coalesce(sum(dropped), 0)::bigint from dead_letter_overflows").fetchall()[0][0]
    print(f"\nflood: {planted} of garbage, {sum(per_hour)} kept, {beyond} counted; {before:.0f} to {after:.0f} MB")
    assert planted > 10 * CAP, "this was no flood"
    assert max(per_hour) == CAP
    assert sum(per_hour) + beyond == planted, "each of them is kept or counted"
    assert after < 200
    assert verdict.stored == verdict.sent
    assert not verdict.faults, verdict
