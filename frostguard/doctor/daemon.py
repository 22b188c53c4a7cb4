"""Checks of the daemon by its side port: is it ready, and has the broker kept its session."""

import asyncio
import json
import re
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import urlopen

from frostguard.config import IngestSettings
from frostguard.doctor.figures import AWAY, Figures
from frostguard.doctor.finding import Found, fail, ok, warn

SAMPLE = re.compile(r"^(frostguard_broker_\w+) (\S+)$", re.MULTILINE)


async def ask(settings: IngestSettings, path: str) -> tuple[int, str]:
    """Return status and text of what the daemon of this machine answers. Raises OSError where there is none."""

    def get() -> tuple[int, str]:
        try:
            with urlopen(address(settings) + path, timeout=3) as answer:  # noqa: S310 - of our own making: http
                return answer.status, answer.read().decode(errors="replace")
        except HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read().decode(errors="replace")
        except HTTPException as error:
            raise OSError(f"no answer of HTTP: {type(error).__name__}") from None

    return await asyncio.to_thread(get)


def address(settings: IngestSettings) -> str:
    """Return where it answers."""
    return f"http://{settings.host}:{settings.own_port}"


async def ready(settings: IngestSettings) -> Found:
    """Tell whether the daemon of this machine is ready."""
    try:
        status, text = await ask(settings, "/readyz")
    except OSError as error:
        return warn(
            f"{address(settings)}/readyz: {error}", "not on this machine? Else systemctl status frostguard-ingest@0"
        )
    if status == 200:
        return ok("ready: its shard is its own and the broker delivers")
    try:
        waits = json.loads(text)
        said = f"not ready: database {waits['database']}, broker {waits['broker']}"
    except (ValueError, KeyError, TypeError):
        return warn(f"{address(settings)}/readyz answers {status}, and not as a daemon", "INGEST_HOST, INGEST_PORT")
    return fail(said, "its log; the other lines here")


async def session(settings: IngestSettings, heard: Figures) -> Found:
    """Tell whether the broker has the session that holds what comes while the daemon is away."""
    try:
        _, text = await ask(settings, "/metrics")
    except OSError:
        return _without_daemon(heard)
    told = {name: float(value) for name, value in SAMPLE.findall(text)}
    connections = int(told.get("frostguard_broker_connections_total", 0))
    lost = int(told.get("frostguard_broker_sessions_lost_total", 0))
    if not connections:
        return warn("the daemon has not reached the broker yet", "its log; `daemon` and `broker` here")
    if lost:
        return warn(f"the broker had no session of ours at {lost} of {connections} connections of this daemon",
                    "right for the very first one; else what it held is lost: its log, `persistence`")  # fmt: skip
    return ok(f"the broker has kept our session over {connections} connections of this daemon")


def _without_daemon(heard: Figures) -> Found:
    if AWAY not in heard:
        return warn("neither the daemon nor the broker says whether there is a session", "start the daemon")
    if heard[AWAY] < 1:
        return warn("no session waits at the broker, as it seems: what comes while the daemon is away would be lost",
                    "start the daemon; its session is there from its first connection on")  # fmt: skip
    return ok(f"{heard[AWAY]:.0f} sessions wait at the broker for clients that are away; ours should be one")
