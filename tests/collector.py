"""A tiny collector: takes OTLP over HTTP in this process, and remembers the spans."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.waiting import eventually


@dataclass(frozen=True)
class Told:
    """One span as it came: identities in hexadecimal, times in nanoseconds since 1970."""

    service: str
    name: str
    trace: str
    span: str
    parent: str
    began: int
    ended: int
    facts: dict[str, Any] = field(hash=False)


def spans_of(body: bytes) -> Iterator[Told]:
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        about = {each.key: each.value.string_value for each in resource.resource.attributes}
        for span in (span for scope in resource.scope_spans for span in scope.spans):
            facts = {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes}
            yield Told(
                about["service.name"], span.name, span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(),
                span.start_time_unix_nano, span.end_time_unix_nano, facts,
            )  # fmt: skip


class Collector:
    """What came."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.spans: list[Told] = []
        self.raw = b""

    def take(self, body: bytes) -> None:
        self.raw += body
        self.spans += spans_of(body)

    def trace(self, matches: Callable[[Told], bool]) -> list[Told]:
        """Wait for a span; return its whole trace, in order of time."""
        eventually(lambda: any(matches(span) for span in list(self.spans)), "a span")
        wanted = next(span.trace for span in self.spans if matches(span))
        return sorted((s for s in self.spans if s.trace == wanted), key=lambda s: (s.began, s.ended))


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that listens."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector = Collector(f"http://127.0.0.1:{server.server_port}/v1/traces")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
