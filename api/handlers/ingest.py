"""The HTTP door for readings: the same payloads and the same decoder as over MQTT.

Who comes in speaks for itself: a native gateway sends its own readings, a network's server the uplinks of its network.
As long as a network has no credentials of its own, those of the organization's native gateways count for it too.

The daemon is the one writer of readings: what comes in here is kept in the inbox, on disk before the answer leaves, and
takes the route of a message of the broker from there. A message that cannot be used at all is refused; of one that can,
what is rejected here becomes a dead letter there.
"""

from collections.abc import Iterator
from typing import Any

import orjson

from api import problems
from api.answers import Answer, shown
from api.body import MAX_BYTES
from api.call import Call
from api.problems import FieldError, Problem
from frostguard.errors import PacketError
from frostguard.store import http_inbox
from frostguard.tracing import current, traceparent
from frostguard.wire import packets
from frostguard.wire.packets import MAX_PAYLOAD, MAX_READINGS, Packet
from frostguard.wire.reasons import Reason
from frostguard.wire.topics import TopicKind, parse, readings_topic

MAX_WAITING = 20_000
NATIVE = "native"
PIECE = 100  # readings of one kept message, where a body is too large to be one


async def _keep(call: Call, topic: str, payloads: list[bytes]) -> None:
    async with call.program.lanes.lane() as connection:
        if await http_inbox.estimate(connection) >= MAX_WAITING:
            raise problems.busy("Too much is waiting to be stored: try again.", 5)
        messages = [(topic, payload) for payload in payloads]
        await http_inbox.insert(connection, call.gateway.id, messages, traceparent(current.get()))


def _refused(error: PacketError) -> Problem:
    return Problem(422, error.detail, errors=[FieldError("body", f"{error.reason}: {error.detail}"[:500])])


def _pieces(raw: bytes) -> Iterator[bytes]:
    """Return the message, or several that say the same where it is too large to be one."""
    if len(raw) <= MAX_PAYLOAD:
        yield raw
        return
    document = orjson.loads(raw)
    readings = document.get("readings")
    if not isinstance(readings, list):
        raise PacketError(Reason.TOO_LARGE, f"{len(raw)} bytes, at most {MAX_PAYLOAD} are allowed in one reading")
    if len(readings) > MAX_READINGS:
        raise PacketError(Reason.TOO_MANY_READINGS, f"{len(readings)} readings, at most {MAX_READINGS} are allowed")
    for at in range(0, len(readings), PIECE):
        piece = orjson.dumps({**document, "readings": readings[at : at + PIECE]})
        if len(piece) > MAX_PAYLOAD:
            raise PacketError(Reason.TOO_LARGE, f"{PIECE} readings of more than {MAX_PAYLOAD} bytes")
        yield piece


async def take_readings(call: Call) -> Answer:
    """Take readings from a gateway: up to 1,000 in up to 256 KiB."""
    if call.gateway.kind != NATIVE:
        raise problems.forbidden("These are the credentials of a network: send its uplinks.")
    raw = await call.request.read()  # as it was sent: the shape has only proved that it is an object
    assert len(raw) <= MAX_BYTES
    try:
        payloads = list(_pieces(raw))
        decoded = [packets.decode(TopicKind.READINGS, payload) for payload in payloads]
    except PacketError as error:
        raise _refused(error) from None
    except orjson.JSONDecodeError:
        raise Problem(400, "The body is no JSON.") from None
    await _keep(call, readings_topic(call.gateway.slug, call.gateway.serial), payloads)
    return shown(_taken(payloads, decoded), 202)


async def take_uplink(call: Call) -> Answer:
    """Take an uplink from a webhook of The Things Stack, for a network that the organization has registered."""
    ids = _object(call.body.root.get("end_device_ids"))
    name, device = _object(ids.get("application_ids")).get("application_id"), ids.get("device_id")
    if not isinstance(name, str) or not isinstance(device, str):
        raise problems.invalid(FieldError("end_device_ids", "names no device of an application"))
    network = await _network(call, TopicKind.TTS, name)
    return await _take(call, TopicKind.TTS, f"v3/{network}/devices/{device}/up")


async def take_event(call: Call) -> Answer:
    """Take an event of ChirpStack's HTTP integration; of those, uplinks are readings."""
    info = _object(call.body.root.get("deviceInfo"))
    name, device = info.get("applicationId"), info.get("devEui")
    if not isinstance(name, str) or not isinstance(device, str):
        raise problems.invalid(FieldError("deviceInfo", "names no device of an application"))
    network = await _network(call, TopicKind.CHIRPSTACK, name)
    if call.query.event not in (None, "up"):
        return _nothing()
    return await _take(call, TopicKind.CHIRPSTACK, f"application/{network}/device/{device}/event/up")


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


async def _network(call: Call, kind: TopicKind, name: str) -> str:
    """Return the registered name of the network, if who sends may speak for it."""
    gateway = call.gateway
    if gateway.kind == kind:
        if name not in (gateway.serial, gateway.serial.partition("@")[0]):
            raise problems.forbidden("These are the credentials of another network.")
        return gateway.serial
    if gateway.kind != NATIVE:
        raise problems.forbidden("These are the credentials of another kind of network.")
    async with call.program.lanes.lane() as connection:
        row = await http_inbox.network(connection, gateway.organization_id, kind, name)
    if row is None:
        raise problems.invalid(FieldError("body", "is of no network that this organization has registered"))
    if row["has_credentials"]:
        raise problems.forbidden("This network has credentials of its own.")
    return str(row["serial"])


def _nothing() -> Answer:
    return shown({"status": "ignored", "accepted": 0, "rejected": 0, "results": []}, 202)


async def _take(call: Call, kind: TopicKind, topic: str) -> Answer:
    raw = await call.request.read()
    try:
        parse(topic.encode())
        packet = packets.decode(kind, raw)
    except PacketError as error:
        if error.reason == Reason.NOT_AN_UPLINK:  # joins and acknowledgements: fine, and nothing to store
            return _nothing()
        raise _refused(error) from None
    await _keep(call, topic, [raw])
    refusal = packet.rejected[0] if packet.rejected else None
    result = {
        "index": 0,
        "status": "rejected" if refusal else "accepted",
        "reason": refusal.reason if refusal else None,
        "detail": refusal.detail if refusal else None,
    }
    counts = {"accepted": len(packet.readings), "rejected": len(packet.rejected)}
    return shown({"status": "taken", **counts, "results": [result]}, 202)


def _taken(payloads: list[bytes], decoded: list[Packet]) -> dict[str, Any]:
    """Say what becomes of each reading, by its place in the message."""
    results: list[dict[str, Any]] = []
    for payload, packet in zip(payloads, decoded, strict=True):
        if packet.rejected:
            results += [_judged(reading) for reading in orjson.loads(payload).get("readings") or [payload]]
        else:
            results += [{"status": "accepted", "reason": None, "detail": None} for _ in packet.readings]
    for index, result in enumerate(results):
        result["index"] = index
    rejected = sum(result["status"] == "rejected" for result in results)
    return {"status": "taken", "accepted": len(results) - rejected, "rejected": rejected, "results": results}


def _judged(reading: object) -> dict[str, Any]:
    """Decode one reading alone, to learn which of a message's readings are the rejected ones."""
    alone = reading if isinstance(reading, bytes) else orjson.dumps({"readings": [reading]})
    packet = packets.decode(TopicKind.READINGS, alone)
    if not packet.rejected:
        return {"status": "accepted", "reason": None, "detail": None}
    return {"status": "rejected", "reason": packet.rejected[0].reason, "detail": packet.rejected[0].detail}
