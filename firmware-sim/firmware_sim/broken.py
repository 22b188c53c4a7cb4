"""Payloads that no daemon can use: each must become a dead letter, and none may stop the line or its neighbours."""

import time
from collections.abc import Callable
from random import Random

_HOUR_MS = 3_600_000


def _with_at(serial: str, at: object) -> bytes:
    return f'{{"readings":[{{"sensor":"{serial}","at":{at},"temperature":4.0}}]}}'.encode()


def _with_temperature(serial: str, value: str) -> bytes:
    return f'{{"readings":[{{"sensor":"{serial}","temperature":{value}}}]}}'.encode()


_MAKERS: dict[str, Callable[[str, Random], bytes]] = {
    "empty": lambda _serial, _random: b"",
    "random_bytes": lambda _serial, random: b"\xff" + random.randbytes(random.randint(1, 200)),
    "cut_off": lambda serial, _random: f'{{"readings":[{{"sensor":"{serial}","temperat'.encode(),
    "utf16": lambda serial, _random: _with_temperature(serial, "4.0").decode().encode("utf-16"),
    "byte_order_mark": lambda serial, _random: b"\xef\xbb\xbf" + _with_temperature(serial, "4.0"),
    "bad_utf8": lambda _serial, _random: b'{"readings":[{"sensor":"\xc0\xaf","temperature":4.0}]}',
    "lone_surrogate": lambda _serial, _random: b'{"readings":[{"sensor":"\\ud800","temperature":4.0}]}',
    "nul_in_name": lambda _serial, _random: b'{"readings":[{"sensor":"a\\u0000b","temperature":4.0}]}',
    "not_a_number": lambda serial, _random: _with_temperature(serial, "NaN"),
    "infinity": lambda serial, _random: _with_temperature(serial, "1e999"),
    "number_as_string": lambda serial, _random: _with_temperature(serial, '"4.0"'),
    "boolean_number": lambda serial, _random: _with_temperature(serial, "true"),
    "nested_too_deep": lambda _serial, _random: b"[" * 2000 + b"]" * 2000,
    "bare_list": lambda _serial, _random: b"[1,2,3]",
    "no_readings": lambda _serial, _random: b'{"readings":[]}',
    "reading_is_a_number": lambda _serial, _random: b'{"readings":[7]}',
    "no_sensor": lambda _serial, _random: b'{"readings":[{"temperature":4.0}]}',
    "nothing_measured": lambda serial, _random: f'{{"readings":[{{"sensor":"{serial}"}}]}}'.encode(),
    "no_such_date": lambda serial, _random: _with_at(serial, '"2026-02-30T10:00:00Z"'),
    "year_1970": lambda serial, _random: _with_at(serial, 86_400_000),
    "year_2099": lambda serial, _random: _with_at(serial, 4_080_000_000_000),
    "an_hour_ahead": lambda serial, _random: _with_at(serial, time.time_ns() // 1_000_000 + _HOUR_MS),
}

KINDS: tuple[str, ...] = tuple(_MAKERS)


def make_broken(kind: str, serial: str, random: Random) -> bytes:
    """A payload of this kind; `serial` is a sensor that exists, where the kind names one."""
    return _MAKERS[kind](serial, random)


def make_garbage(random: Random) -> bytes:
    """Random bytes that are not UTF-8, hence no JSON."""
    return b"\xfe" + random.randbytes(random.randint(1, 400))
