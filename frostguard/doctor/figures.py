"""The broker's own figures ($SYS), heard for a moment under an account of their own, and what they say.

Nobody else's client id may be taken: with `use_username_as_clientid` a second connection of the daemon's account would
end the daemon's. So there is an account that may hear these figures and nothing else, with a password that follows from
the daemon's: `frostguard mqtt-accounts` writes it, and who has MQTT_URL knows it.
"""

import asyncio
import contextlib
import hashlib
import hmac
from collections.abc import Mapping

from frostguard.config import MqttSettings
from frostguard.doctor.broker import Limits, open_to
from frostguard.doctor.finding import Found, fail, ok, warn
from frostguard.errors import FrostGuardError
from frostguard.local.mqtt_packets import PUBLISH, Connect, Frames, MalformedError, Reader

ACCOUNT = "frostguard-doctor"
SECONDS = 3.0  # they are retained and come at once; a broker that began a moment ago has none yet
PREFIX = "$SYS/broker/"
TOTAL, LATELY = "publish/messages/dropped", "load/publish/dropped/15min"
STORED, HEAP, AWAY = "store/messages/count", "heap/current", "clients/disconnected"
WANTED = frozenset((TOTAL, LATELY, STORED, HEAP, AWAY))
# To everything of $SYS, packet id 1, QoS 0.
SUBSCRIBE = b"\x82\x12\x00\x01\x00\x0d$SYS/broker/#\x00"

Figures = Mapping[str, float]


class RefusedError(FrostGuardError):
    """The broker does not let this account in."""


def password_of(daemons: str) -> str:
    """Return the password of the account, from that of the daemon's."""
    return hmac.digest(daemons.encode(), ACCOUNT.encode(), hashlib.sha256).hex()


async def listen(settings: MqttSettings) -> Figures:
    """Return what the broker says of itself, by topic below $SYS/broker. Raises OSError or RefusedError."""
    reader, writer = await open_to(settings)
    try:
        asking = Connect(4, 0x02, b"\x00\x0a", ACCOUNT, b"", None, None, None)
        writer.write(asking.rewritten(ACCOUNT, ACCOUNT, password_of(settings.password or "")))
        if await reader.readexactly(4) != b"\x20\x02\x00\x00":
            raise RefusedError("the broker does not know its account: frostguard mqtt-accounts writes it")
        writer.write(SUBSCRIBE)
        heard: dict[str, float] = {}
        with contextlib.suppress(TimeoutError):  # then it is whatever there is
            async with asyncio.timeout(SECONDS):
                await _hear(reader, heard)
        return heard
    except asyncio.IncompleteReadError:
        raise RefusedError("the broker ended the connection") from None
    except MalformedError as error:
        raise RefusedError(f"what answers there is no broker: {error}") from None
    finally:
        writer.transport.abort()


async def _hear(reader: asyncio.StreamReader, heard: dict[str, float]) -> None:
    frames = Frames()
    while not heard.keys() >= WANTED:
        data = await reader.read(65_536)
        if not data:
            return
        for kind, body, _ in frames.feed(data):
            if kind == PUBLISH:
                _take(body, heard)


def _take(body: bytes, heard: dict[str, float]) -> None:
    packet = Reader(body)
    topic, value = packet.text(), body[packet.at :].decode(errors="replace")
    try:
        heard[topic.removeprefix(PREFIX)] = float(value.split(" ", 1)[0])
    except ValueError:
        return  # a version


def drops(heard: Figures) -> Found:
    """Tell whether the broker has dropped messages: it acknowledges those, too."""
    if TOTAL not in heard:
        return warn(
            "the broker tells no figures of its own", "mosquitto.acl: topic read $SYS/broker/#; sys_interval 10"
        )
    total, lately = int(heard[TOTAL]), heard.get(LATELY, 0.0)
    do = "see its log for whose; a client that stays away, or limits that do not hold the outage: `queue limits` here"
    if lately > 0:
        return fail(
            f"messages are being dropped: {lately:.1f} a minute in the last quarter of an hour, {total} in all", do
        )
    if total:
        return warn(f"{total} messages were dropped since the broker's start, none lately", do)
    return ok("the broker has dropped nothing since its start")


def backlog(heard: Figures, limits: Limits | None) -> Found:
    """Tell how full the broker's queues are, against its limits where we know them."""
    if STORED not in heard:
        return warn("the broker tells no figures of its own", "as for `dropped messages`")
    stored, heap = int(heard[STORED]), heard.get(HEAP, 0.0)
    said = f"{stored} messages and {heap / 1e6:.1f} MB in the broker"
    shares = [0.0]
    if limits is not None:
        shares += [stored / limits.messages] if limits.messages else []
        shares += [heap / limits.memory] if limits.memory else []
        said += f", {max(shares):.0%} of what it may hold"
    do = "is the daemon away, or slow? It has to take them before the limit: frostguard_lag_seconds, /readyz"
    if max(shares) < 0.5:
        return ok(said)
    return warn(said, do) if max(shares) < 0.8 else fail(said, do)
