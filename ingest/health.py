"""Probes and metrics on a side port: /livez, /readyz, /metrics."""

import logging
from pathlib import Path

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from frostguard.config import IngestSettings
from frostguard.errors import UsageError
from frostguard.notify import Notifier
from ingest import metrics

log = logging.getLogger("ingest.health")


class Health:
    """What the probes answer. Ready means: the shard is ours and the broker delivers to us."""

    def __init__(self, settings: IngestSettings, notifier: Notifier | None = None) -> None:
        self._settings = settings
        self._notifier = notifier or Notifier()
        self._runner: web.AppRunner | None = None
        self._database = "starting"
        self._broker = "starting"
        self._was_ready = False
        self.address = ""

    async def start(self) -> None:
        """Listen. Raises UsageError where the port is taken."""
        application = web.Application()
        application.router.add_get("/livez", self._livez)
        application.router.add_get("/readyz", self._readyz)
        application.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(application, access_log=None, handle_signals=False)
        await self._runner.setup()
        host, port = self._settings.host, self._settings.own_port
        try:
            await web.TCPSite(self._runner, host, port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise UsageError(f"INGEST_PORT: cannot listen on {host}:{port}: {error.strerror}") from None
        bound_host, bound_port = self._runner.addresses[0][:2]
        self.address = f"http://{bound_host}:{bound_port}"
        log.info("probes and metrics", extra={"address": self.address})

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    def database(self, *, ready: bool, detail: str = "") -> None:
        """Say how it stands with PostgreSQL."""
        self._database = "" if ready else detail or "not connected"
        metrics.DATABASE.set(ready)
        self._tell()

    def broker(self, *, ready: bool, detail: str = "") -> None:
        """Say how it stands with the broker."""
        self._broker = "" if ready else detail or "not connected"
        metrics.CONNECTED.set(ready)
        if ready and not self._was_ready:
            self._was_ready = True
            _announce(self._settings.ready_file, self.address)
        self._tell()

    def _tell(self) -> None:
        if self.ready:
            self._notifier.ready("readings come in and are stored")
        else:
            parts = {"PostgreSQL": self._database, "broker": self._broker}
            self._notifier.status("; ".join(f"{part}: {detail}" for part, detail in parts.items() if detail))

    @property
    def ready(self) -> bool:
        """Whether readings can come in and be stored."""
        return not self._database and not self._broker

    async def _livez(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _readyz(self, _request: web.Request) -> web.Response:
        body = {
            "status": "ok" if self.ready else "unavailable",
            "database": self._database or "ok",
            "broker": self._broker or "ok",
        }
        return web.json_response(body, status=200 if self.ready else 503)

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(metrics.REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _announce(path: Path | None, address: str) -> None:
    if path is not None:
        fresh = path.with_name(path.name + ".new")
        fresh.write_text(address + "\n")
        fresh.replace(path)
