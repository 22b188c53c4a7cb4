"""Send the lines of a file over some connections for some seconds; print one JSON line. Run by bench/serving.py.

wrk does it where it is on the PATH: it takes less of the machine. The generator here says the same in the same words.
"""

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import uvloop

SCRIPT = Path(__file__).with_name("fire.lua")
END_OF_HEAD, LENGTH = b"\r\n\r\n", b"content-length: "


def packets(token: str, file: Path) -> list[bytes]:
    """Whole requests, made before the clock starts."""
    made = []
    for line in file.read_text().splitlines():
        method, path, body = line.split("\t")
        head = f"{method} {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n"
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body.encode())}\r\n"
        made.append(f"{head}\r\n{body}".encode())
    return made


class Connection(asyncio.Protocol):
    """Sends the next request when the whole answer to the last one is there."""

    def __init__(self, requests: list[bytes], first: int, until: float) -> None:
        self.requests, self.at, self.until = requests, first, until
        self.took: list[float] = []
        self.failed = 0
        self.ended = asyncio.get_running_loop().create_future()
        self.buffer, self.sent = b"", 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.send()

    def send(self) -> None:
        self.buffer, self.sent = b"", time.perf_counter()
        self.transport.write(self.requests[self.at % len(self.requests)])
        self.at += 1

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(END_OF_HEAD)
        if end < 0:
            return
        head = self.buffer[:end].lower()
        begins = head.find(LENGTH) + len(LENGTH)
        if len(self.buffer) < end + len(END_OF_HEAD) + int(head[begins:].split(b"\r\n", 1)[0]):
            return
        self.took.append(time.perf_counter() - self.sent)
        self.failed += head[9:10] != b"2"
        if time.perf_counter() < self.until:
            self.send()
        else:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.failed += exc is not None
        self.ended.set_result(None)


async def fire(host: str, port: int, requests: list[bytes], connections: int, seconds: float) -> dict[str, float]:
    began = time.perf_counter()
    made = [Connection(requests, n * 7, began + seconds) for n in range(connections)]
    loop = asyncio.get_running_loop()
    await asyncio.gather(*(loop.create_connection(lambda c=c: c, host, port) for c in made))
    await asyncio.gather(*(c.ended for c in made))
    took = sorted(each for c in made for each in c.took)
    return {
        "seconds": time.perf_counter() - began, "requests": len(took), "failed": sum(c.failed for c in made),
        "p50_ms": 1000 * took[len(took) // 2], "p99_ms": 1000 * took[int(len(took) * 0.99)],
    }  # fmt: skip


def by_wrk(url: str, token: str, file: Path, connections: int, seconds: float) -> str:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "-s", str(SCRIPT), url, "--", token, str(file)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("token")
    parser.add_argument("file", type=Path)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--own", action="store_true", help="not wrk, even if it is there")
    a = parser.parse_args()
    if shutil.which("wrk") and not a.own:
        print(by_wrk(a.url, a.token, a.file, a.connections, a.seconds))
        return 0
    host, _, port = a.url.removeprefix("http://").rpartition(":")
    print(json.dumps(uvloop.run(fire(host, int(port), packets(a.token, a.file), a.connections, a.seconds))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
