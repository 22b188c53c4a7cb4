"""Checks of the broker: who is let in, its certificate, and whether its limits hold the outage that they must."""

import asyncio
import ssl
import time
from dataclasses import dataclass
from pathlib import Path

from frostguard.config import MqttSettings
from frostguard.doctor.database import disk_of
from frostguard.doctor.finding import Found, fail, ok, warn

OUTAGE_HOURS = 1.0
_SPANS = {"h": 3600, "d": 86_400, "w": 7 * 86_400, "m": 30 * 86_400, "y": 365 * 86_400}
EXPIRY_SECONDS = 2 * 86_400  # a weekend without anybody who looks
BYTES_QUEUED, BYTES_SAVED = 453, 208  # a message in memory and in the snapshot: OPERATIONS.md, "An hour without"
# MQTT 3.1.1, clean session, client id "doctor", nobody's name: who is well refuses it.
STRANGER = b"\x10\x12\x00\x04MQTT\x04\x02\x00\x0a\x00\x06doctor"
ACCEPTED = b"\x20\x02\x00\x00"


async def open_to(settings: MqttSettings) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect, with TLS where the URL says so. Raises OSError."""
    context = None
    if settings.tls:
        context = ssl.create_default_context(cafile=settings.ca_file)
        if settings.cert_file:
            context.load_cert_chain(settings.cert_file, settings.key_file)
    return await asyncio.open_connection(settings.host, settings.port, ssl=context)


async def admits(settings: MqttSettings) -> Found:
    """Tell whether the broker answers, and refuses who has no account. Never touches the daemon's session."""
    reader, writer = await open_to(settings)
    try:
        writer.write(STRANGER)
        answer = await reader.read(4)
    finally:
        writer.transport.abort()
    where = f"{settings.host}:{settings.port}"
    if answer == ACCEPTED:
        return fail(f"{where} lets in who has no account", "allow_anonymous false, as in our mosquitto.conf")
    if not answer.startswith(b"\x20"):
        return fail(f"{where} does not answer as a broker", "is MQTT_URL's port the broker's? See the broker's log")
    return ok(f"{where} answers and refuses strangers")


async def certificate(settings: MqttSettings) -> Found:
    """Tell how long the broker's certificate is good for us."""
    if not settings.tls:
        local = settings.host in ("localhost", "127.0.0.1", "::1")
        said = "no TLS between daemon and broker"
        return ok(f"{said}, on this machine") if local else warn(said, "mqtts:// and MQTT_CA_FILE")
    try:
        _, writer = await open_to(settings)
    except ssl.SSLCertVerificationError as error:
        do = "renew it, for the name in MQTT_URL, by an authority of MQTT_CA_FILE; reload the broker"
        return fail(f"the broker's certificate is refused: {error.verify_message}", do)
    try:
        seen = writer.get_extra_info("peercert")
    finally:
        writer.transport.abort()
    days = (ssl.cert_time_to_seconds(seen["notAfter"]) - time.time()) / 86_400
    said = f"the broker's certificate ends in {days:.0f} days"
    return ok(said) if days > 21 else warn(said, "renew it, and reload the broker")


@dataclass(frozen=True)
class Limits:
    """What mosquitto.conf says, as far as it bears on an outage."""

    persistence: bool
    folder: Path
    messages: int
    queued_bytes: int
    memory: int
    expiry_seconds: int | None  # None: a session that is away is kept for ever


def limits_of(text: str) -> Limits:
    """Read a configuration; what is not there has Mosquitto's own default."""
    words = dict(line.split(maxsplit=1) for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return Limits(
        persistence=words.get("persistence", "false").strip() == "true",
        folder=Path(words.get("persistence_location", "/var/lib/mosquitto/").strip()),
        messages=int(words.get("max_queued_messages", "1000")),
        queued_bytes=int(words.get("max_queued_bytes", "0")),
        memory=int(words.get("memory_limit", "0")),
        expiry_seconds=_seconds(words.get("persistent_client_expiration", "").strip()),
    )


def _seconds(span: str) -> int | None:
    """Return the seconds of Mosquitto's 12h, 14d, 8w, 6m, 1y."""
    return int(span[:-1]) * _SPANS[span[-1]] if span else None


def limits_in(file: Path) -> Limits:
    """Read a configuration file."""
    return limits_of(file.read_text())


def holds(limits: Limits, rate: float, hours: float = OUTAGE_HOURS) -> Found:
    """Tell for how long the broker keeps `rate` messages a second while the daemon is away."""
    if rate <= 0:
        rate = 1.0  # a fleet that is silent now will speak
    rooms = [limits.messages or 1000]
    rooms += [limit // BYTES_QUEUED for limit in (limits.queued_bytes, limits.memory) if limit]
    able = min(rooms) / rate / 3600
    said = f"the broker holds {able:.1f} hours at {rate:.0f} messages a second"
    if able >= hours:
        if limits.expiry_seconds is None or limits.expiry_seconds >= max(hours * 3600, EXPIRY_SECONDS):
            return ok(said)
        do = "persistent_client_expiration 14d, as in our mosquitto.conf"
        return warn(f"{said}, but forgets who is away after {limits.expiry_seconds / 3600:.0f}", do)
    return fail(f"{said}, and drops what comes after with an acknowledgement",
                "max_queued_messages, max_queued_bytes and memory_limit as in our mosquitto.conf")  # fmt: skip


def persists(limits: Limits, rate: float) -> Found:
    """Tell whether the backlog outlives a restart of the broker: its folder can be written and has room."""
    if not limits.persistence:
        return fail("the broker keeps nothing over a restart", "persistence true, as in our mosquitto.conf")
    try:
        saved = limits.folder / "mosquitto.db"
        age = time.time() - saved.stat().st_mtime if saved.exists() else 0.0
        if age > 300:
            return fail(
                f"the last snapshot is {age:.0f} s old", "can the broker write its folder? See its log and disk"
            )
        return disk_of(limits.folder, needed=int(rate * 3600 * OUTAGE_HOURS * BYTES_SAVED * 2))
    except PermissionError:
        return warn(f"{limits.folder} is not ours to see", "run it as root, or as the broker's user")
    except OSError as error:
        return fail(f"{limits.folder}: {error.strerror}", "persistence_location must be there and the broker's own")
