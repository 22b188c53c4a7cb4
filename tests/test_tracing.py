"""Spans as the SDK makes them, and as a collector gets them; nothing where none is named."""

import subprocess
import sys
import threading

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from frostguard.config import load
from frostguard.errors import UsageError
from frostguard.local.ports import free_port
from frostguard.tracing import Tracing, TracingSettings, begin, traceparent
from tests.collector import collecting

CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
STARTS = {"daemon": "import ingest.__main__", "API": "import api.__main__", "command": "import frostguard.cli.main"}


@pytest.fixture
def memory() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(memory: InMemorySpanExporter) -> Tracing:
    return Tracing(SimpleSpanProcessor(memory), "frostguard-test")


def test_without_a_collector_there_is_nothing() -> None:
    assert begin(load(TracingSettings), "frostguard-test") is None
    assert traceparent(None) is None


@pytest.mark.parametrize("program", STARTS)
def test_no_program_loads_opentelemetry_by_itself(program: str) -> None:
    code = f"{STARTS[program]}; import sys; sys.exit(any(m.startswith('opentelemetry') for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_collector_without_the_extra_is_a_wrong_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(UsageError, match="extra `tracing`"):
        begin(TracingSettings(endpoint="http://localhost:1/"), "frostguard-test")


def test_an_endpoint_is_an_address_of_http() -> None:
    with pytest.raises(UsageError, match="TRACE_ENDPOINT"):
        load(TracingSettings, {"TRACE_ENDPOINT": "localhost:4318"})
    assert load(TracingSettings, {"TRACE_ENDPOINT": ""}).endpoint is None


def test_spans_have_parents_times_and_facts(tracing: Tracing, memory: InMemorySpanExporter) -> None:
    whole = tracing.open("whole", {"n": 3}, kind="consumer", began=1000)
    tracing.piece(whole, "first", 1000, 1500)
    tracing.piece(whole, "backwards", 1500, 1400)
    tracing.fail(whole)
    whole.end(2000)
    first, backwards, told = memory.get_finished_spans()
    assert first.parent is not None
    assert (first.parent.span_id, first.start_time, first.end_time) == (told.context.span_id, 1000, 1500)
    assert (backwards.start_time, backwards.end_time) == (1500, 1500), "a clock that was set back ends no span early"
    assert (told.parent, told.kind, told.attributes) == (None, SpanKind.CONSUMER, {"n": 3})
    assert (told.start_time, told.end_time, told.status.status_code) == (1000, 2000, StatusCode.ERROR)
    assert told.resource.attributes["service.name"] == "frostguard-test"


@pytest.mark.parametrize(
    ("given", "taken"),
    [(CALLER, True), (CALLER.replace("-01", "-00"), True), ("00-" + "0" * 32 + "-00f067aa0ba902b7-01", False),
     ("nonsense", False), ("", False), ("ff" + CALLER[2:], False), (CALLER + "-more", False), ("0" * 5000, False)],
)  # fmt: skip
def test_a_caller_s_traceparent_is_gone_on_with_or_begun_anew(
    tracing: Tracing, memory: InMemorySpanExporter, given: str, taken: bool
) -> None:
    span = tracing.open("request", {}, under=given)
    span.end()
    [told] = memory.get_finished_spans()
    assert (told.parent is not None) is taken
    handed = traceparent(span)
    assert handed is not None
    assert (handed.split("-")[1] == CALLER.split("-")[1]) is taken
    assert handed.split("-")[2] == f"{told.context.span_id:016x}"


def test_one_in_so_many_has_its_turn(tracing: Tracing) -> None:
    assert [tracing.turn(3) for _ in range(7)] == [True, False, False, True, False, False, True]


def test_a_collector_gets_what_is_told() -> None:
    with collecting() as collector:
        tracing = begin(TracingSettings(endpoint=collector.url), "frostguard-test", "0/1")
        assert tracing is not None
        whole = tracing.open("whole", {"answer": 42})
        tracing.piece(whole, "part", 1_000, 2_000)
        whole.end()
        tracing.close()
        part, told = collector.trace(lambda span: span.name == "part")
        assert (told.service, told.name, told.facts) == ("frostguard-test", "whole", {"answer": 42})
        assert (part.parent, part.began, part.ended) == (told.span, 1_000, 2_000)


def test_a_collector_that_is_away_holds_up_nobody() -> None:
    tracing = begin(TracingSettings(endpoint=f"http://127.0.0.1:{free_port()}/v1/traces"), "frostguard-test")
    assert tracing is not None
    for _ in range(5000):
        tracing.open("lost", {}).end()
    tracing.close()
    for thread in threading.enumerate():
        if thread.name in ("traces", "OtelBatchSpanRecordProcessor"):
            thread.join(30)
            assert not thread.is_alive()
