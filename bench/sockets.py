"""Many raw sockets in one process: subscribes, then takes the time of every reading that a frame shows.

Some follow all units, each of the others a few; some read nothing after their snapshots. Run by bench/feeds.py; says
`ready` when all have their snapshots, and one JSON line when it is told to end.
"""

import argparse
import asyncio
import base64
import json
import os
import re
import signal
import time
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

STAMP = re.compile(rb'"(?:recordedAt|lastReadingAt)":"([^"]+)"')


class Socket(asyncio.Protocol):
    """One socket: its frames are not parsed, only searched."""

    def __init__(self, token: str, topics: list[str], taken: list[float]) -> None:
        self._messages = [{"type": "auth", "token": token}, *({"type": "subscribe", "topic": t} for t in topics)]
        self._left = len(topics)
        self._taken = taken
        self._rest = b""
        self.transport: asyncio.Transport
        self.ready = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        head = "GET /ws HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        transport.write(f"{head}Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        for message in self._messages:
            text = json.dumps(message).encode()
            transport.write(b"\x81\xfe" + len(text).to_bytes(2, "big") + bytes(4) + text)

    def data_received(self, data: bytes) -> None:
        now = time.time()
        if self._left:
            self._left -= (self._rest + data).count(b'"type":"snapshot"') - self._rest.count(b'"type":"snapshot"')
            self._rest = data[-20:]
            if self._left <= 0 and not self.ready.done():
                self.ready.set_result(None)
            return
        found = self._rest + data
        end = 0
        for match in STAMP.finditer(found):
            self._taken.append(now - datetime.fromisoformat(match[1].decode()).timestamp())
            end = match.end()
        self._rest = found[max(end, len(found) - 60) :]

    def connection_lost(self, _: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_exception(ConnectionError("closed before its snapshots came"))


async def run(arguments: argparse.Namespace) -> None:
    place, taken, sockets = urlsplit(arguments.url), [], []
    token, everything, *units = arguments.followed.read_text().split()
    loop = asyncio.get_running_loop()
    for n in range(arguments.sockets):
        few = [units[(n * arguments.units + k) % len(units)] for k in range(arguments.units)]
        topics = [everything] if n < arguments.all else few
        _, made = await loop.create_connection(lambda t=topics: Socket(token, t, taken), place.hostname, place.port)
        sockets.append(made)
        if n % 50 == 49:
            await asyncio.wait_for(asyncio.gather(*(each.ready for each in sockets)), 60)
    await asyncio.wait_for(asyncio.gather(*(each.ready for each in sockets)), 60)
    for muted in sockets[: arguments.muted]:
        muted.transport.pause_reading()
    print("ready", flush=True)
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    taken.sort()
    pick = [taken[int((len(taken) - 1) * q)] * 1000 if taken else -1.0 for q in (0.5, 0.99)]
    print(json.dumps({"shown": len(taken), "p50": pick[0], "p99": pick[1]}), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("followed", type=Path, help="a file: a token, the topic of all units, the topics of each")
    parser.add_argument("--sockets", type=int, default=50)
    parser.add_argument("--all", type=int, default=50, help="how many of them follow all units")
    parser.add_argument("--units", type=int, default=5, help="how many units each of the others follows")
    parser.add_argument("--muted", type=int, default=0, help="how many never read again once they have their snapshots")
    asyncio.run(run(parser.parse_args()))
