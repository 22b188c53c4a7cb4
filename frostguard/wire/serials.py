"""The normal form of a sensor's name: one sensor, one string, however a label or a gateway spells it."""

import re

from frostguard.errors import PacketError
from frostguard.wire.reasons import Reason

MAX_SERIAL = 64
# Longer input is refused before it is worked on; padding and separators fit.
MAX_SPELLING = 128

_SEPARATORS = str.maketrans("", "", ":- ")
_EUI = re.compile(r"[0-9a-f]{16}").fullmatch


def as_eui(text: str) -> str | None:
    """Return the 16 lower-case hex digits of a device EUI (`:`, `-` and spaces left out), or None when it is none."""
    bare = text.translate(_SEPARATORS).lower()
    return bare if _EUI(bare) else None


def normalise_serial(text: str) -> str:
    """Return the device EUI as 16 lower-case hex digits, or any other serial trimmed and in lower case.

    Raises PacketError `bad_sensor` for what is no name: empty, over 64 characters, or with a character that
    cannot be printed (NUL, control characters, lone surrogates).
    """
    if len(text) > MAX_SPELLING:
        raise PacketError(Reason.BAD_SENSOR, f"sensor has {len(text)} characters, at most {MAX_SERIAL} are allowed")
    # Before anything is trimmed: a gateway's spelling travels on as it was sent.
    if not text.isprintable():
        raise PacketError(Reason.BAD_SENSOR, "sensor holds a character that cannot be printed")
    eui = as_eui(text)
    if eui is not None:
        return eui
    serial = text.strip().lower()
    if not 1 <= len(serial) <= MAX_SERIAL:
        raise PacketError(Reason.BAD_SENSOR, f"sensor has {len(serial)} characters, 1 to {MAX_SERIAL} are allowed")
    return serial
