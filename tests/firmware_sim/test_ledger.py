"""What is written into the ledger comes out bit for bit, with its fate."""

from datetime import UTC, datetime

import orjson
import pytest

from firmware_sim.ledger import Ledger, from_ms, read, read_planted, to_ms
from frostguard.wire.packets import Measurement

AT = datetime(2026, 11, 22, 10, 0, 0, 123_000, UTC)


def make(seq: int, **values) -> Measurement:
    return Measurement("5f00000001000001", AT, seq=seq, **values)


def write(path, *, close: bool = True) -> None:
    ledger = Ledger(path, {"seed": 1})
    stream = ledger.stream("bench", "gw-1", "boot1")
    for seq in range(1, 7):
        ledger.reading(stream, make(seq, temperature=seq / 3))
    ledger.dropped(stream, 1, 1)
    ledger.acknowledged(stream, 5, 5)
    ledger.acknowledged(stream, 2, 3)
    ledger.undelivered(stream, 4, 4)
    ledger.committed(stream, 3)
    ledger.planted("empty", "bench", "gw-1")
    if close:
        ledger.close({"readings": 6})
    else:
        ledger._file.flush()
        ledger._file.close()


def test_each_reading_comes_back_with_its_fate(ledger_path):
    write(ledger_path)
    entries = list(read(ledger_path))
    assert [(e.seq, e.temperature) for e in entries] == [(seq, seq / 3) for seq in range(1, 7)]
    assert [e.seq for e in entries if e.acknowledged] == [2, 3, 5]
    assert [e.seq for e in entries if e.committed] == [2, 3]
    assert [e.seq for e in entries if e.dropped] == [1]


def test_every_field_comes_back_bit_for_bit(ledger_path):
    ledger = Ledger(ledger_path)
    reading = Measurement("5f00000001000001", AT, -18.37, 51.2, False, 3.61, 88, -97, 7.5, 12)
    ledger.reading(ledger.stream("bench", "gw-1", "boot1"), reading)
    ledger.close({})
    (entry,) = read(ledger_path)
    assert entry[:5] == ("bench", "gw-1", "boot1", 12, reading.sensor)
    assert entry[5:13] == reading[1:9]
    assert entry.door_open is False


def test_a_second_run_is_appended_and_numbers_anew(ledger_path):
    write(ledger_path)
    write(ledger_path)
    assert len(list(read(ledger_path))) == 12
    assert read_planted(ledger_path) == {"empty": 2}


def test_a_line_that_was_cut_off_is_left_out(ledger_path):
    write(ledger_path, close=False)
    with ledger_path.open("ab") as file:
        file.write(b'["w",0,')
    assert sum(e.committed for e in read(ledger_path)) == 2


def test_without_a_path_nothing_is_written(tmp_path):
    ledger = Ledger(None)
    ledger.reading(ledger.stream("bench", "gw-1", "boot1"), make(1))
    ledger.close({})
    assert list(tmp_path.iterdir()) == []


def test_the_last_line_is_the_summary(ledger_path):
    write(ledger_path)
    assert orjson.loads(ledger_path.read_bytes().splitlines()[-1]) == ["z", {"readings": 6}]


@pytest.mark.parametrize("ms", [0, 1, 1_795_384_580_830, 4_080_000_000_999])
def test_milliseconds_survive_the_way_there_and_back(ms):
    assert to_ms(from_ms(ms)) == ms
