"""The connection: TLS, refused credentials, the broker's window, and one client object per connection."""

import asyncio
import shutil
import subprocess
from pathlib import Path

import pytest

from firmware_sim.link import Broker, Link, Login
from firmware_sim.options import parse_run
from firmware_sim.run import Run, run
from firmware_sim.tally import Tally
from tests.firmware_sim.conftest import CONFIG, Mosquitto

TLS = "certfile {folder}/server.pem\nkeyfile {folder}/server.key\n"


async def begin(folder: Path, config: str):
    broker = Mosquitto(folder, config)
    await broker.start()
    return broker


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl on this machine to make a certificate")
async def test_a_fleet_publishes_over_tls(tmp_path):
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    )
    files = ["-keyout", str(tmp_path / "server.key"), "-out", str(tmp_path / "server.pem")]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)  # noqa: ASYNC221
    broker = await begin(tmp_path, CONFIG.replace("allow", TLS + "allow", 1))
    try:
        url = ["--mqtt-url", f"mqtts://localhost:{broker.port}", "--ca-file", str(tmp_path / "server.pem")]
        running = Run(parse_run([*url, "--quiet", "--max", "--count", "500", "--drain", "0.5"]))
        summary = await running.execute()
        assert summary["connects"] == 1
        assert summary["undelivered"] > 0, "the answers came back through TLS"
    finally:
        broker.kill()


async def test_refused_credentials_are_reported_and_tried_again(tmp_path, capsys):
    broker = await begin(tmp_path, CONFIG.replace("allow_anonymous true", "allow_anonymous false"))
    try:
        arguments = ["--rate", "10", "--duration", "1", "--drain", "0", "--password", "wrong-password"]
        summary = await run(parse_run(["--mqtt-url", broker.url, *arguments]))
    finally:
        broker.kill()
    told = capsys.readouterr().err
    assert summary["connects"] == 0
    assert "gw-bench-0001: " in told
    assert "uthor" in told  # Not authorized
    assert "wrong-password" not in told


class Endless:
    """A rider that always has something to say, and remembers the most that was unanswered."""

    listens_to = None

    def __init__(self, link: Link) -> None:
        self.link, self.most, self.answers, self.connections = link, 0, 0, 0
        self.enough = asyncio.Event()
        link.board(self)

    def will(self):
        return "t", b""

    def connected(self) -> None:
        self.connections += 1

    def disconnected(self) -> None:
        assert self.link.in_flight == 0

    def offer(self):
        self.most = max(self.most, self.link.in_flight + 1)
        return b"\0\1t", b"x", "token"

    def settled(self, token, sent_at, reason) -> None:
        assert (token, sent_at > 0, reason) == ("token", True, 0x10)
        self.answers += 1
        if self.answers % 200 == 0:
            self.enough.set()


def make(broker: Mosquitto, window: int, name: str = "rider") -> tuple[Link, Endless]:
    link = Link(Broker("127.0.0.1", broker.port), Login(name, None, None), window, Tally(), lambda _text: None)
    return link, Endless(link)


@pytest.mark.parametrize(("window", "expected"), [(7, 7), (1000, 25)])
async def test_the_window_is_ours_or_the_brokers_whichever_is_smaller(tmp_path, window, expected):
    broker = await begin(tmp_path, CONFIG.replace("max_inflight_messages 1000", "max_inflight_messages 25"))
    link, rider = make(broker, window)
    task = asyncio.create_task(link.run())
    try:
        await asyncio.wait_for(rider.enough.wait(), 5)
        link.close()
        await asyncio.wait_for(task, 5)
    finally:
        broker.kill()
    assert rider.most == expected


async def test_a_dropped_connection_comes_back_and_goes_on(broker):
    link, rider = make(broker, 10)
    task = asyncio.create_task(link.run())
    for connection in (1, 2, 3):
        await asyncio.wait_for(rider.enough.wait(), 5)
        assert rider.connections == connection
        rider.enough.clear()
        link.drop()
    link.close()
    await asyncio.wait_for(task, 5)


async def test_a_link_that_is_to_stay_away_comes_back_when_it_is_told(broker):
    link, rider = make(broker, 10)
    link.drop(float("inf"))
    task = asyncio.create_task(link.run())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(rider.enough.wait(), 0.3)
    assert rider.connections == 0
    link.resume()
    await asyncio.wait_for(rider.enough.wait(), 5)
    link.close()
    await asyncio.wait_for(task, 5)
