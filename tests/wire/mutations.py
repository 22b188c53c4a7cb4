"""Bad input by the thousand: a seeded source of nearly good JSON, broken JSON and plain noise."""

import os
from copy import deepcopy
from random import Random

import orjson

# The suite takes a few thousand; a night takes as many as it likes.
FUZZ = int(os.environ.get("FROSTGUARD_FUZZ", "6000"))

ODD_VALUES = [
    None, True, False, 0, 1, -1, 2**31, 2**63 - 1, 2**63, 2**64 - 1, 1e308, -1e308, 5e-324, 327.67, -0.0, 100.0001,
    1e15, "", " ", "0", "NaN", "a\u0000b", "\u202e", "é" * 40, "x" * 70, "x" * 300, [], {}, [[]], {"a": []}, [1.5],
    "open",
    "2026-11-22T10:00:00Z", "2026-11-22", "2026-W47-7T10:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00",
    1_795_341_600_000, -1_795_341_600_000, 1.7953416e12,
]  # fmt: skip
ODD_TEXTS = [
    b"NaN", b"Infinity", b"-Infinity", b"1e999", b"9" * 400, b'"\\ud800"', b'"\\u0000"', b"\xff", b"\xc0\x80",
    b"\xef\xbb\xbf", b"\x00", b"[" * 300, b"[" * 300 + b"]" * 300, b'{"a":' * 200 + b"1" + b"}" * 200,
    b"[" * 1100 + b"]" * 1100, b"18446744073709551616", b"-", b"1.", b"{}", b"[]", b",", b'"',
]  # fmt: skip
ODD_KEYS = ["sensor", "readings", "boot", "\u0000", "", "object", "rxInfo", "errors", "temp", "x" * 100]


def mutated(seeds: list[bytes], random: Random) -> bytes:
    """Return one of the seeds, damaged in one of three ways, or noise."""
    seed = random.choice(seeds)
    way = random.random()
    if way < 0.6:
        return _regrown(seed, random)
    if way < 0.75:
        return _spliced(seed, random)
    if way < 0.95:
        return _flipped(seed, random)
    return random.randbytes(random.randrange(200))


def _regrown(seed: bytes, random: Random) -> bytes:
    """Change values and keys anywhere in the document; what comes out is JSON."""
    document = orjson.loads(seed)
    for _ in range(random.randint(1, 3)):
        _change(document, random)
    return orjson.dumps(document)


def _change(node: object, random: Random) -> None:
    while isinstance(node, dict | list) and node:
        key = random.choice(list(node)) if isinstance(node, dict) else random.randrange(len(node))
        if isinstance(node[key], dict | list) and random.random() < 0.85:
            node = node[key]
            continue
        if isinstance(node, dict) and random.random() < 0.2:
            node[random.choice(ODD_KEYS)] = node.pop(key)
        else:
            node[key] = deepcopy(random.choice(ODD_VALUES))
        return


def _spliced(seed: bytes, random: Random) -> bytes:
    """Put a text that is a trap for parsers where a value was."""
    at = random.choice([i for i, byte in enumerate(seed) if byte in b":,["]) + 1
    end = next((i for i in range(at, len(seed)) if seed[i] in b",}]"), len(seed))
    return seed[:at] + random.choice(ODD_TEXTS) + seed[end:]


def _flipped(seed: bytes, random: Random) -> bytes:
    data = bytearray(seed)
    for _ in range(random.randint(1, 4)):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return bytes(data[: random.randrange(len(data))] if random.random() < 0.2 else data)
