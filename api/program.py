"""What lives as long as the program: connections, who may come in, threads for bcrypt, mail; and its routes."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from uuid import UUID

from aiohttp import web

from api import body, frame, routes
from api.archived import Archived
from api.assets import Assets
from api.chores import Chores
from api.feed.live import Live
from api.gathering import Gathering
from api.letters import Letters
from api.mail import Mailer
from api.metrics import Metrics
from api.outbox import Outbox, Sending
from api.passwords import Passwords
from api.principals import Principals
from api.rolled_up import RolledUp
from api.routing import KINDS, Route, check
from api.throttle import Throttle
from api.tracing import begin_traces
from frostguard.config import (
    ApiSettings,
    ArchiveSettings,
    AuthSettings,
    DatabaseSettings,
    FeedSettings,
    IngestSettings,
    MailSettings,
    load,
    seconds_of,
)
from frostguard.errors import FrostGuardError
from frostguard.security import COST, Signer
from frostguard.store import accounts, organizations, sessions
from frostguard.store.connection import Connection
from frostguard.store.lanes import Lanes
from frostguard.store.sessions import Lives
from frostguard.tracing import TracingSettings

HOUSEKEEPING_SECONDS = 3600

log = logging.getLogger("api")


@dataclass(frozen=True)
class Settings:
    """The groups that the API reads."""

    database: DatabaseSettings
    api: ApiSettings
    auth: AuthSettings
    mail: MailSettings
    feed: FeedSettings
    archive: ArchiveSettings = field(default_factory=lambda: load(ArchiveSettings))
    tracing: TracingSettings = field(default_factory=lambda: load(TracingSettings))
    retention_days: int = field(default_factory=lambda: load(IngestSettings).retention_days)


class Program:
    """Everything that handlers use. `cost` is bcrypt's; only tests lower it."""

    def __init__(self, settings: Settings, *, cost: int = COST, table: Sequence[Route] | None = None) -> None:
        auth = settings.auth
        self.settings = settings
        self.api = settings.api
        self.auth = auth
        self.routes = tuple(routes.ROUTES if table is None else table)
        check(self.routes, KINDS)
        previous = auth.jwt_previous_secret
        self.signer = Signer(
            auth.jwt_secret.get_secret_value(),
            seconds_of(auth.jwt_expires_in),
            previous.get_secret_value() if previous else None,
        )
        self.lives = Lives(seconds_of(auth.session_expires_in), seconds_of(auth.refresh_expires_in))
        self.metrics = Metrics()
        self.lanes = Lanes(settings.database, lane_count(settings.database))
        self.traces = begin_traces(settings.tracing, [route.path for route in self.routes if route.goes_on])
        if self.traces is not None:
            self.lanes.listener = self.traces.statement
        self.principals = Principals(settings.database, self.lanes, self.signer)
        self.live = Live(settings.database, settings.feed, self.lanes, self.principals, self.metrics.feed)
        self.passwords = Passwords(cost)
        self.outbox = Outbox(
            self.lanes,
            Sending(Mailer(settings.mail), Letters(settings.api.public_url), auth.jwt_secret.get_secret_value()),
            self.metrics.mail,
        )
        self.chores = Chores(self.lanes, self.metrics.chores)
        self.gathering = Gathering(self.lanes)
        self.rolled_up = RolledUp()
        self.archived = Archived(settings.archive, self.lanes)
        self.assets = Assets()
        self.failed_logins = Throttle(20)
        self._throttles = {r.name: Throttle(r.limit) for r in self.routes if r.limit is not None}
        self._proxies = settings.api.proxies
        self._tasks: list[asyncio.Task[None]] = []
        # Set when one of our tasks has ended: half a program is none.
        self.broken = asyncio.Event()

    async def start(self) -> None:
        """Open the first connection and begin to listen. Raises StoreUnavailableError or UsageError."""
        await self.lanes.open()
        if self._tasks:  # a start that is tried again
            await self.principals.regain_trust()
            return
        for name, work in (
            ("access", self.principals.run()),
            ("feed", self.live.run()),
            ("mail", self.outbox.run()),
            ("housekeeping", self._keep_house()),
        ):
            task = asyncio.create_task(work, name=name)
            task.add_done_callback(self._notice)
            self._tasks.append(task)
        await self.principals.regain_trust()

    async def stop(self) -> None:
        """Finish what was promised, tell the other processes, close everything."""
        await self.outbox.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.principals.leave()
        self.passwords.close()
        await self.archived.close()
        await self.lanes.close()
        if self.traces is not None:
            await asyncio.to_thread(self.traces.close)

    def application(self) -> web.Application:
        """Return the routes behind their frame, for a server."""
        around = [frame.guard(self)] if self.traces is None else [self.traces.middleware(), frame.guard(self)]
        application = web.Application(middlewares=around, client_max_size=body.MAX_BYTES)
        for route in self.routes:
            application.router.add_route(route.method, route.path, frame.endpoint(route, self))
        application.on_shutdown.append(lambda _: self.live.drain())
        return application

    def throttle(self, route: Route) -> Throttle:
        """Return the buckets of a route that has a limit."""
        return self._throttles[route.name]

    def address_of(self, request: web.Request) -> str:
        """Return the client's address. X-Forwarded-For counts from trusted proxies only: the last foreign hop."""
        peer = request.remote or "0.0.0.0"  # noqa: S104 - a placeholder, nothing listens there
        if not self._proxies or not self._is_proxy(peer):
            return peer
        for hop in reversed(request.headers.get("X-Forwarded-For", "").split(",")):
            address = hop.strip()
            if not _is_address(address):
                return peer
            if not self._is_proxy(address):
                return address
        return peer

    def _is_proxy(self, address: str) -> bool:
        return _is_address(address) and any(ip_address(address) in network for network in self._proxies)

    async def home_of(self, connection: Connection, kind: str, target: UUID, own: list[UUID]) -> UUID | None:
        """Return the organization of an object, if it is one of the user's own."""
        return await organizations.home_of(connection, kind, target, own)

    def _notice(self, task: asyncio.Task[None]) -> None:
        """Log a task that should have lived as long as the program, and let the program end."""
        if not task.cancelled():
            log.error("a task of the program has ended", exc_info=task.exception(), extra={"task": task.get_name()})
            self.broken.set()

    async def _keep_house(self) -> None:
        while True:
            try:
                async with self.lanes.lane() as connection:
                    await sessions.forget_old(connection)
                    await accounts.forget_old_failures(connection)
            except FrostGuardError as error:
                log.warning("housekeeping failed", extra={"error": str(error)})
            await asyncio.sleep(HOUSEKEEPING_SECONDS)


def lane_count(settings: DatabaseSettings) -> int:
    """Return how many connections serve short statements: what the pool may have, less the three with other duties."""
    return max(2, settings.pool_max - 3)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
