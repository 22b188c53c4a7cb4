"""Enough of an SMTP server to be away, busy, choosy or silent."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message


class PostOffice(socketserver.ThreadingTCPServer):
    """Keeps what it received. `busy` turns so many connections away; who is in `refused` gets nothing."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        self.received: list[bytes] = []
        self.refused: set[str] = set()
        self.busy = 0
        self.silent = False  # takes a mail and never says so
        self.came = threading.Event()
        super().__init__(("127.0.0.1", port), Counter)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"

    @property
    def letters(self) -> list[Message]:
        return [message_from_bytes(each) for each in self.received]

    @property
    def recipients(self) -> list[str]:
        return sorted(each["To"] for each in self.letters)


class Counter(socketserver.StreamRequestHandler):
    """One conversation."""

    server: PostOffice

    def handle(self) -> None:
        office = self.server
        if office.busy > 0:
            office.busy -= 1
            self.wfile.write(b"421 busy\r\n")
            return
        self.wfile.write(b"220 test\r\n")
        while line := self.rfile.readline():
            verb = line.upper()
            if verb.startswith(b"RCPT") and any(each.encode() in line for each in office.refused):
                self.wfile.write(b"550 nobody\r\n")
            elif verb.startswith(b"DATA"):
                self.wfile.write(b"354 go\r\n")
                data = b""
                while (part := self.rfile.readline()) not in {b".\r\n", b""}:
                    data += part
                office.came.set()
                if office.silent:
                    self.rfile.readline()  # until the other side is gone
                    return
                office.received.append(data)
                self.wfile.write(b"250 ok\r\n")
            else:
                self.wfile.write(b"221 bye\r\n" if verb.startswith(b"QUIT") else b"250 ok\r\n")


@contextmanager
def open_office(port: int = 0) -> Iterator[PostOffice]:
    with PostOffice(port) as office:
        thread = threading.Thread(target=office.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield office
        finally:
            office.shutdown()
            thread.join()


def closed_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])
