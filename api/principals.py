"""Who is behind a request, from memory; and how all processes forget at once what is no longer true.

A request costs no query: the token is verified once, session and roles are kept. Every change of access sends NOTIFY
`access` in its own transaction (triggers do it, so nobody can forget it, not even psql). Two rules make the change hold
for the very next request, in every process:

- A process trusts its memory only until `LEASE` seconds after it last began to tell PostgreSQL so, over the connection
  that hears the notifications. One that is cut off, stopped or slow loses its trust by itself.
- Whoever changes access answers only after every process has confirmed that it heard (`settled`), or its trust is over.
"""

import asyncio
import base64
import binascii
import contextlib
import logging
import time
from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID, uuid4

import orjson

from api import problems
from frostguard.config import DatabaseSettings
from frostguard.domain.access import Role
from frostguard.errors import FrostGuardError, StoreUnavailableError
from frostguard.gateway_passwords import matches
from frostguard.security import Claims, Signer, TokenError, hash_token
from frostguard.store import sessions
from frostguard.store.connection import Connection, Record, abandon, connect
from frostguard.store.lanes import Lanes

LEASE_SECONDS = 3.0
RENEWAL_SECONDS = 1.0
TRUST_WAIT_SECONDS = 5.0
MAX_TOKENS = 50_000
MAX_PRINCIPALS = 50_000
MAX_GATEWAYS = 20_000
MARGIN_SECONDS = 0.05

log = logging.getLogger("api.principals")


class Principal(NamedTuple):
    """A signed-in user: the roles are those of now. `organization_id` is the one last chosen."""

    user_id: UUID
    session_id: UUID
    email: str
    expires: float
    organization_id: UUID | None
    roles: dict[UUID, Role]


class GatewayPrincipal(NamedTuple):
    """A gateway (or a network's server) that showed its password; `slug` is its organization's."""

    id: UUID
    organization_id: UUID
    serial: str
    slug: str
    kind: str


def _principal_of(row: Record) -> Principal:
    roles = {UUID(key): Role(role) for key, role in orjson.loads(row["roles"]).items()}
    expires = row["expires_at"].timestamp()
    return Principal(row["user_id"], row["session_id"], row["email"], expires, row["organization_id"], roles)


class Principals:
    """The memory of one process, and its part in the agreement with the others."""

    def __init__(self, settings: DatabaseSettings, lanes: Lanes, signer: Signer) -> None:
        self.id = uuid4()
        self._settings = settings
        self._lanes = lanes
        self._signer = signer
        self._tokens: dict[str, Claims] = {}
        self._principals: dict[UUID, Principal] = {}
        self._gateways: dict[bytes, GatewayPrincipal] = {}
        self._generation = 0
        self._trusted_until = 0.0
        self._trust = asyncio.Event()
        self._lost = asyncio.Event()
        self._barriers: dict[str, tuple[set[UUID], asyncio.Event]] = {}
        self._confirming: set[asyncio.Task[None]] = set()
        self.on_change: Callable[[str, str], None] = lambda kind, key: None  # noqa: ARG005

    @property
    def trusted(self) -> bool:
        """Whether the memory may be believed now."""
        return time.monotonic() < self._trusted_until

    @property
    def known(self) -> int:
        """How many sessions are in memory."""
        return len(self._principals)

    async def admit(self, authorization: str | None) -> Principal:
        """Return who is behind an Authorization header. Raises a 401 Problem, or StoreUnavailableError."""
        token = _credentials(authorization, "bearer ")
        claims = self._tokens.get(token) or self._verify(token)
        now = time.time()
        if claims.expires < now:
            self._tokens.pop(token, None)
            raise problems.unauthorized("Your access token has run out.")
        if time.monotonic() >= self._trusted_until:
            await self.regain_trust()
        principal = self._principals.get(claims.session) or await self._load(claims.session)
        if principal is None or principal.user_id != claims.user or principal.expires < now:
            raise problems.unauthorized("Your session has ended.")
        return principal

    def _verify(self, token: str) -> Claims:
        try:
            claims = self._signer.verify(token)
        except TokenError:
            raise problems.unauthorized("Your access token is not valid.") from None
        if len(self._tokens) >= MAX_TOKENS:
            self._tokens.pop(next(iter(self._tokens)))
        self._tokens[token] = claims
        return claims

    async def _load(self, session: UUID) -> Principal | None:
        while True:
            generation = self._generation
            async with self._lanes.lane() as connection:
                row = await sessions.principal(connection, session)
            if generation == self._generation:
                break  # nothing was forgotten while we read, so what we read is still true
        if row is None:
            return None
        if len(self._principals) >= MAX_PRINCIPALS:
            self._principals.pop(next(iter(self._principals)))
        principal = self._principals[session] = _principal_of(row)
        return principal

    async def recall(self, session: UUID) -> Principal | None:
        """Return who is behind a session now; None if it has ended. Raises StoreUnavailableError."""
        if time.monotonic() >= self._trusted_until:
            await self.regain_trust()
        principal = self._principals.get(session) or await self._load(session)
        return principal if principal is not None and principal.expires >= time.time() else None

    async def admit_gateway(self, authorization: str | None) -> GatewayPrincipal:
        """Return which gateway is behind HTTP Basic credentials (its name and password). Raises a 401 Problem.

        The same in Bearer's place is fine, for clients that can send nothing else.
        """
        is_bearer = authorization is not None and authorization[:7].lower() == "bearer "
        encoded = _credentials(authorization, "bearer " if is_bearer else "basic ")
        if time.monotonic() >= self._trusted_until:
            await self.regain_trust()
        key = hash_token(encoded)  # the password itself is not kept
        return self._gateways.get(key) or await self._check_gateway(key, encoded)

    async def _check_gateway(self, key: bytes, encoded: str) -> GatewayPrincipal:
        serial, password = _basic(encoded)
        generation = self._generation
        async with self._lanes.lane() as connection:
            rows = await sessions.gateways(connection, serial)
        row = next((row for row in rows if matches(password, row["password_hash"])), None)
        if row is None:
            raise problems.unauthorized("This gateway's name or password is wrong.")
        gateway = GatewayPrincipal(row["id"], row["organization_id"], row["serial"], row["slug"], row["kind"])
        if generation == self._generation and len(self._gateways) < MAX_GATEWAYS:
            self._gateways[key] = gateway
        return gateway

    async def regain_trust(self) -> None:
        """Wait until the memory may be believed. Raises StoreUnavailableError."""
        try:
            async with asyncio.timeout(TRUST_WAIT_SECONDS):
                while not self.trusted:
                    self._trust.clear()
                    await self._trust.wait()
        except TimeoutError:
            raise StoreUnavailableError("no connection for access changes") from None

    def forget(self, kind: str, key: str) -> None:
        """Drop what a notification names: a session, a user, an organization, a gateway."""
        self._generation += 1
        if kind == "session":
            self._principals.pop(UUID(key), None)
        elif kind == "user":
            user = UUID(key)
            for session in [s for s, p in self._principals.items() if p.user_id == user]:
                del self._principals[session]
        else:
            self.forget_everything()
            return
        self.on_change(kind, key)

    def forget_everything(self) -> None:
        """Drop all: we may have missed something."""
        self._generation += 1
        self._principals.clear()
        self._gateways.clear()
        self.on_change("all", "")

    async def settled(self) -> None:
        """Wait until no process believes what was true before the last commit. At most about LEASE_SECONDS."""
        name = uuid4().hex
        confirmed: set[UUID] = set()
        heard = asyncio.Event()
        self._barriers[name] = (confirmed, heard)
        try:
            async with self._lanes.lane() as connection:
                await sessions.send_barrier(connection, name)
                trusting = await sessions.trusting(connection)
            read_at = time.monotonic()
            ends = {process: read_at + seconds + MARGIN_SECONDS for process, seconds in trusting.items()}
            while open_until := [end for process, end in ends.items() if process not in confirmed]:
                heard.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(
                        asyncio.get_running_loop().time() + max(open_until) - time.monotonic()
                    ):
                        await heard.wait()
                        continue
                return
        finally:
            del self._barriers[name]

    async def run(self) -> None:
        """Hear notifications and renew the trust until cancelled; on a lost connection, begin anew."""
        while True:
            connection: Connection | None = None
            try:
                connection = await connect(self._settings, "frostguard-api-access")
                await self._listen(connection)
            except FrostGuardError as error:  # also a wrong password or a missing table: it may be put right meanwhile
                log.warning("no connection for access changes", extra={"error": str(error)})
                await asyncio.sleep(0.3)
            finally:
                abandon(connection)

    async def _listen(self, connection: Connection) -> None:
        lost = self._lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        await connection.add_listener("access", self._heard)
        await connection.add_listener("access_confirmed", self._confirmed)
        self.forget_everything()
        while not lost.is_set():
            began = time.monotonic()
            await sessions.renew_trust(connection, self.id, LEASE_SECONDS)
            self._trusted_until = began + LEASE_SECONDS
            self._trust.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RENEWAL_SECONDS):
                    await lost.wait()

    async def leave(self) -> None:
        """Tell the others not to wait for us any more."""
        self._trusted_until = 0.0
        for task in self._confirming:
            task.cancel()
        with contextlib.suppress(StoreUnavailableError):
            async with self._lanes.lane() as connection:
                await sessions.end_trust(connection, self.id)

    def _heard(self, _connection: object, _pid: int, _channel: str, payload: str) -> None:
        kind, _, key = payload.partition(":")
        if kind != "barrier":
            self.forget(kind, key)
            return
        task = asyncio.get_running_loop().create_task(self._confirm(key), name="confirm")
        self._confirming.add(task)
        task.add_done_callback(self._confirming.discard)

    async def _confirm(self, name: str) -> None:
        try:
            async with self._lanes.lane() as connection:
                await sessions.confirm_barrier(connection, f"{name} {self.id}")
        except StoreUnavailableError as error:  # whoever waits, waits for the end of our trust
            log.warning("a change of access could not be confirmed", extra={"error": str(error)})

    def _confirmed(self, _connection: object, _pid: int, _channel: str, payload: str) -> None:
        name, _, process = payload.partition(" ")
        barrier = self._barriers.get(name)
        if barrier is not None:
            barrier[0].add(UUID(process))
            barrier[1].set()


def _credentials(authorization: str | None, scheme: str) -> str:
    if authorization is None or authorization[: len(scheme)].lower() != scheme:
        raise problems.unauthorized()
    return authorization[len(scheme) :].strip()


def _basic(encoded: str) -> tuple[str, str]:
    try:
        name, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise problems.unauthorized("These are no Basic credentials.") from None
    if not colon or "\0" in name:
        raise problems.unauthorized("These are no Basic credentials.")
    return name, password
