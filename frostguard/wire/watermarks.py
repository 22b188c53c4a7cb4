"""The talk about what is safe: the daemon's `committed` messages, and what a gateway's `status` says of its buffer."""

from typing import Any, NamedTuple

import orjson

from frostguard.errors import PacketError
from frostguard.wire.examine import readable_seq
from frostguard.wire.measurement import MAX_SEQ
from frostguard.wire.reasons import Reason

MAX_BOOT = 64
MAX_STATUS = 1024  # bytes; of a committed message too


class Status(NamedTuple):
    """What a gateway says of itself. `oldest` is the lowest `seq` that it still holds, of this `boot`.

    A gateway whose buffer ran over has lost what is below: the watermark may pass that gap.
    """

    online: bool
    boot: str | None = None
    oldest: int | None = None


def is_boot(value: object) -> bool:
    """Say whether the value can name a start of a gateway: 1 to 64 printable characters."""
    return isinstance(value, str) and 0 < len(value) <= MAX_BOOT and value.isprintable()


def encode_committed(boot: str, upto: int) -> bytes:
    """Return the message that every reading of this boot up to and including `upto` is stored or a dead letter."""
    return orjson.dumps({"boot": boot, "upto": upto})


def decode_committed(payload: bytes) -> tuple[str, int]:
    """Return boot and upto (0 = none yet); raises PacketError `bad_committed`."""
    document = _load(payload, Reason.BAD_COMMITTED)
    boot, upto = document.get("boot"), document.get("upto")
    if not isinstance(boot, str) or not is_boot(boot) or type(upto) is not int or not 0 <= upto <= MAX_SEQ:
        raise PacketError(Reason.BAD_COMMITTED, "it needs a boot and upto, a whole number")
    return boot, upto


def encode_status(status: Status) -> bytes:
    """Return the status: the bare word, or JSON when there is more to say."""
    word = "online" if status.online else "offline"
    if status.boot is None:
        return word.encode()
    document = {"status": word, "boot": status.boot}
    return orjson.dumps(document if status.oldest is None else document | {"oldest": status.oldest})


def decode_status(payload: bytes) -> Status:
    """Return what the gateway says; raises PacketError `bad_status`."""
    word = payload.strip() if len(payload) <= MAX_STATUS else payload
    if word in (b"online", b"offline"):
        return Status(word == b"online")
    document = _load(payload, Reason.BAD_STATUS)
    boot, oldest = document.get("boot"), document.get("oldest")
    if document.get("status") not in ("online", "offline"):
        raise PacketError(Reason.BAD_STATUS, "status is neither online nor offline")
    if boot is not None and not is_boot(boot):
        raise PacketError(Reason.BAD_STATUS, "boot is not a string of 1 to 64 printable characters")
    if oldest is not None and (boot is None or not readable_seq(oldest)):
        raise PacketError(Reason.BAD_STATUS, "oldest is a reading's number, and needs its boot")
    return Status(document["status"] == "online", boot, oldest)


def _load(payload: bytes, reason: Reason) -> dict[str, Any]:
    if len(payload) > MAX_STATUS:
        raise PacketError(reason, f"{len(payload)} bytes, at most {MAX_STATUS} are allowed")
    try:
        document = orjson.loads(payload)
    except orjson.JSONDecodeError:
        raise PacketError(reason, "the payload is not JSON in UTF-8") from None
    if not isinstance(document, dict):
        raise PacketError(reason, "the payload is not a JSON object")
    return document
