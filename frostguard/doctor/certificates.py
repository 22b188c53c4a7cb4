"""Until when certificate files are good: the daemon's own, the authorities it trusts, and those of the broker."""

import re
import ssl
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from frostguard.doctor.finding import Found, fail, ok, warn

SOON_DAYS = 21
UTC_TIME = 0x17
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_NAMED = re.compile(r"^\s*(?:certfile|cafile)\s+(\S.*?)\s*$", re.MULTILINE)


def named_in(configuration: str) -> list[Path]:
    """Return the certificate files that a mosquitto.conf names."""
    return [Path(name) for name in _NAMED.findall(configuration)]


def ends(text: str) -> Iterator[datetime]:
    """Give the end of each certificate of a PEM file. Raises ValueError for what is none."""
    for block in _PEM.findall(text):
        try:
            yield _not_after(ssl.PEM_cert_to_DER_cert(block))
        except IndexError:
            raise ValueError("not a certificate") from None


def _not_after(der: bytes) -> datetime:
    """Return notAfter (RFC 5280, 4.1): certificate, its signed part, validity, the second of its times."""
    at, _ = _inside(der, 0)
    at, _ = _inside(der, at)
    if der[at] == 0xA0:  # the version, where it says one
        at = _inside(der, at)[1]
    for _ in ("serial number", "signature", "issuer"):
        at = _inside(der, at)[1]
    at, _ = _inside(der, at)
    at = _inside(der, at)[1]
    begin, end = _inside(der, at)
    text = der[begin:end].decode("ascii")
    if der[at] == UTC_TIME:
        text = ("20" if int(text[:2]) < 50 else "19") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _inside(der: bytes, at: int) -> tuple[int, int]:
    """Return where the content of the element at `at` begins and ends (X.690, 8.1)."""
    length, at = der[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7F
        length, at = int.from_bytes(der[at : at + size], "big"), at + size
    return at, at + length


async def files(paths: Iterable[Path], now: datetime) -> Found:
    """Tell which of the files ends first."""
    found: list[tuple[datetime, Path]] = []
    hidden = 0
    for path in paths:
        try:
            found += [(end, path) for end in ends(path.read_text())]
        except PermissionError:
            hidden += 1
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "holds no certificate"
            return fail(f"{path}: {why}", "the file that the settings name must be there: MQTT_*_FILE, mosquitto.conf")
    if not found:
        said = f"{hidden} files are not ours to see" if hidden else "no certificate files are named"
        return warn(said, "run it as root, or as the broker's user") if hidden else ok(said)
    first, path = min(found)
    days = (first - now).total_seconds() / 86_400
    said = f"{len(found)} certificates; {path.name} ends in {days:.0f} days"
    if days < 0:
        return fail(f"{path} ended {-days:.0f} days ago", "renew it now, and reload who uses it: TLS is refused")
    return ok(said) if days > SOON_DAYS else warn(said, f"renew {path}, and reload who uses it")
