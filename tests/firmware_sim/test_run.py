"""Whole runs against a real broker, with a server that says what is committed."""

import asyncio
import itertools
import os
import signal
import sys
import time

import aiomqtt
import orjson
import pytest

from firmware_sim.ledger import read, read_planted
from firmware_sim.options import parse_run
from firmware_sim.run import Run, run
from tests.firmware_sim.conftest import Server


async def until(condition) -> None:
    """Wait for a counter, which tells nobody that it moved."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def options(broker, *arguments: str):
    return parse_run(["--mqtt-url", broker.url, "--quiet", *arguments])


async def test_everything_published_is_acknowledged_committed_and_in_the_ledger(broker, server, ledger_path):
    summary = await run(
        options(broker, "--gateways", "3", "--rate", "1000", "--count", "300", "--ledger", str(ledger_path))
    )
    assert (summary["published"], summary["acknowledged"], summary["committed"]) == (300, 300, 300)
    assert summary["buffered"] == 0
    entries = list(read(ledger_path))
    assert len(entries) == 300
    assert all(e.acknowledged and e.committed and not e.dropped for e in entries)
    stored = {key: reading["temperature"] for key, reading in server.stored.items()}
    assert stored == {(e.gateway, e.boot, e.seq): e.temperature for e in entries}


async def test_a_broker_that_is_killed_costs_nothing_with_a_watermark(broker, server, ledger_path):
    server.committing = False
    running = Run(options(broker, "--gateways", "2", "--rate", "500", "--count", "200", "--ledger", str(ledger_path)))
    task = asyncio.create_task(running.execute())
    await server.until(lambda: len(server.stored) >= 50)
    broker.kill()
    server.stored.clear()
    server.committing = True
    await broker.start()
    summary = await task
    assert summary["connections_lost"] == 2
    assert summary["resent"] >= 50
    assert summary["committed"] == 200
    assert {(e.gateway, e.boot, e.seq) for e in read(ledger_path) if e.committed} == server.stored.keys()


async def test_without_a_watermark_a_killed_broker_costs_what_it_had_acknowledged(broker):
    """The negative control of the test above: the same broker, the same kill, gateways that trust a PUBACK."""
    async with aiomqtt.Client("127.0.0.1", broker.port, identifier="server", clean_session=False) as absent:
        await absent.subscribe("frostguard/v1/+/+/readings", 1)
    running = Run(options(broker, "--plain", "--gateways", "2", "--rate", "500", "--count", "200"))
    task = asyncio.create_task(running.execute())
    await until(lambda: running.tally.acknowledged >= 50)
    broker.kill()
    await broker.start()
    server = Server(broker)
    serving = asyncio.create_task(server.run())
    summary = await task
    await server.until(lambda: len(server.stored) >= 200 - running.tally.acknowledged)
    serving.cancel()
    await asyncio.wait({serving})
    assert summary["acknowledged"] == 200
    assert len(server.stored) <= 150


async def test_what_nobody_wanted_is_not_delivered_and_is_sent_when_somebody_comes(broker):
    running = Run(options(broker, "--count", "20", "--max"))
    task = asyncio.create_task(running.execute())
    await until(lambda: running.tally.undelivered >= 20)
    assert running.tally.acknowledged == 0
    server = Server(broker)
    serving = asyncio.create_task(server.run())
    summary = await task
    serving.cancel()
    await asyncio.wait({serving})
    assert summary["committed"] == 20


async def test_thousands_of_gateways_share_a_few_connections(broker, server):
    summary = await run(
        options(
            broker, "--gateways", "1000", "--sensors", "1", "--connections", "3", "--rate", "5000", "--count", "1000"
        )
    )
    assert (summary["committed"], summary["connects"]) == (1000, 3)
    assert len({gateway for gateway, _, _ in server.stored}) == 1000


async def test_all_troubles_together_lose_nothing(broker, server, ledger_path):
    trouble = (
        "--duplicates 0.2 --late 0.1:0.2 --clock-skew 60 --clock-step-back 0.1 --broken 0.1 --garbage 50 --flap 0.5"
    )
    summary = await run(
        options(
            broker,
            *trouble.split(),
            *("--power-cut", "0.5:1", "--gateways", "3", "--rate", "200", "--duration", "2.5"),
            *("--ledger", str(ledger_path)),
        )
    )
    entries = list(read(ledger_path))
    assert summary["readings"] == summary["committed"] == len(entries)
    assert {(e.gateway, e.boot, e.seq) for e in entries} == server.stored.keys()
    assert len({e.boot for e in entries}) == 6, "the power cut gave each gateway a new boot"
    assert summary["duplicates"] > 0
    assert sum(read_planted(ledger_path).values()) > 0


async def test_a_gateway_is_online_while_it_runs_and_offline_after_a_graceful_end(broker, server):
    await run(options(broker, "--count", "5", "--max"))
    await server.until(lambda: server.statuses and server.statuses[-1][2]["status"] == "offline")
    assert server.statuses[0][2]["status"] == "online"


async def test_a_full_buffer_drops_the_oldest_and_tells(broker, server, ledger_path):
    server.committing = False
    arguments = ("--rate", "400", "--count", "600", "--buffer", "50", "--drain", "0", "--ledger", str(ledger_path))
    summary = await run(options(broker, *arguments))
    assert summary["dropped"] == 550
    assert sum(e.dropped for e in read(ledger_path)) == 550
    assert any(document.get("oldest", 1) > 1 for _, _, document in server.statuses)


async def test_a_scenario_is_run_faster_than_time_with_its_truth(broker, server, tmp_path):
    truth = tmp_path / "truth.jsonl"
    summary = await run(
        options(broker, "--scenario", "gateway-outage-with-backfill", "--speedup", "10000", "--truth", str(truth))
    )
    assert summary["committed"] == summary["readings"] > 2000
    assert summary["connections_lost"] == 1
    assert {orjson.loads(line)["type"] for line in truth.read_bytes().splitlines()} >= {"alarm_active", "door_open"}


async def test_gateways_begin_with_what_they_kept_and_go_on_with_the_present(broker, server, ledger_path):
    began = time.time()
    arguments = ("--past", "7200", "--interval", "1", "--duration", "2", "--per-message", "50")
    summary = await run(options(broker, "--gateways", "1", "--sensors", "1", *arguments, "--ledger", str(ledger_path)))
    times = sorted(entry.at.timestamp() for entry in read(ledger_path))
    assert summary["committed"] == summary["readings"] == len(times)
    assert 7195 <= len(times) <= 7205
    assert began - 7205 <= times[0] <= began - 7190
    assert began <= times[-1] <= time.time()
    assert max(later - earlier for earlier, later in itertools.pairwise(times)) < 1.5, "no gap where the past ends"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_a_run_gracefully_with_a_summary(broker, server, number):
    environment = {**os.environ, "MQTT_URL": broker.url, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "firmware_sim", "--rate", "100", "--json", "--quiet"),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
    )
    await server.until(lambda: len(server.stored) >= 20)
    process.send_signal(number)
    output, _ = await asyncio.wait_for(process.communicate(), 10)
    summary = orjson.loads(output)
    assert process.returncode == 0
    assert summary["committed"] == summary["published"] == summary["acknowledged"] >= 20


async def test_a_broker_that_is_not_there_is_tried_again_until_the_end(tmp_path, capsys):
    arguments = ["--mqtt-url", "mqtt://127.0.0.1:1", "--rate", "10", "--duration", "1", "--drain", "0"]
    summary = await run(parse_run(arguments))
    assert (summary["connects"], summary["published"]) == (0, 0)
    assert summary["buffered"] > 0
    assert "refused" in capsys.readouterr().err
