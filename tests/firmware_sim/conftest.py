"""A broker of the test's own, and a server written by hand that says what is committed."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import aiomqtt
import orjson
import pytest

CONFIG = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence false
max_inflight_messages 1000
max_queued_messages 1000000
log_type error
user root
"""


class Mosquitto:
    """A broker without memory: what it was told is gone when it is killed."""

    def __init__(self, folder: Path, config: str = CONFIG) -> None:
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self._config = folder / "mosquitto.conf"
        self._config.write_text(config.format(port=self.port, folder=folder))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    async def start(self) -> None:
        binary = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:" + (os.environ.get("PATH") or ""))
        if binary is None:
            pytest.skip("there is no mosquitto on this machine")
        self._process = subprocess.Popen([binary, "-c", str(self._config)], stderr=subprocess.DEVNULL)  # noqa: ASYNC220
        try:
            async with asyncio.timeout(5):
                while not await self._answers():  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        except TimeoutError:
            self.kill()
            raise

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
        return True

    def kill(self) -> None:
        if self._process:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None


class Server:
    """Takes what the gateways publish, and publishes the watermark of each boot: everything up to the first gap."""

    def __init__(self, broker: Mosquitto) -> None:
        self._broker = broker
        self.committing = True
        self.deliveries = 0
        self.stored: dict[tuple[str, str, int], dict] = {}  # (gateway, boot, seq)
        self.statuses: list[tuple[str, bool, dict]] = []
        self.unusable: list[bytes] = []
        self.changed = asyncio.Event()
        self._upto: dict[tuple[str, str], int] = {}

    async def run(self) -> None:
        while True:
            client = aiomqtt.Client(
                "127.0.0.1", self._broker.port, identifier="server", protocol=aiomqtt.ProtocolVersion.V5
            )
            try:
                async with client:
                    await client.subscribe([("frostguard/v1/+/+/readings", 1), ("frostguard/v1/+/+/status", 1)])
                    async for message in client.messages:
                        self._hear(client, message)
            except aiomqtt.MqttError:
                await asyncio.sleep(0.05)
            finally:
                client._client._sock_close()

    def _hear(self, client: aiomqtt.Client, message: aiomqtt.Message) -> None:
        gateway, kind = message.topic.value.split("/")[-2:]
        try:
            document = orjson.loads(message.payload)
            if kind == "status":
                self.statuses.append((gateway, message.retain, document))
            else:
                self._store(client, gateway, message.topic.value, document)
        except (orjson.JSONDecodeError, KeyError, TypeError):
            self.unusable.append(bytes(message.payload))
        self.changed.set()

    def _store(self, client: aiomqtt.Client, gateway: str, topic: str, document: dict) -> None:
        boot = document["boot"]
        for reading in document["readings"]:
            self.deliveries += 1
            self.stored[gateway, boot, reading["seq"]] = reading
        if self.committing:
            upto = self._upto.get((gateway, boot), 0)
            while (gateway, boot, upto + 1) in self.stored:
                upto += 1
            self._upto[gateway, boot] = upto
            watermark = orjson.dumps({"boot": boot, "upto": upto})
            client._client.publish(topic.replace("/readings", "/committed"), watermark, 1)

    async def until(self, condition) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    mosquitto = Mosquitto(tmp_path)
    await mosquitto.start()
    yield mosquitto
    mosquitto.kill()


@pytest.fixture
async def server(broker: Mosquitto) -> AsyncIterator[Server]:
    found = Server(broker)
    task = asyncio.create_task(found.run())
    yield found
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@pytest.fixture
def ledger_path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.jsonl"
