"""One request on its way through a handler: who asks, for which organization, with what."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from uuid import UUID

from aiohttp import web

from api import problems
from api.answers import version_of
from api.routing import Route
from frostguard.domain.access import Role
from frostguard.store.audit import By

if TYPE_CHECKING:
    from api.principals import GatewayPrincipal, Principal
    from api.program import Program

REASON = "X-Change-Reason"
MAX_REASON = 500


class Call:
    """What a handler sees. Everything in it has been checked: identity, role, path, query, body."""

    __slots__ = ("_gateway", "_home", "body", "ids", "program", "query", "request", "request_id", "route", "who")

    def __init__(self, request: web.Request, route: Route, program: "Program", request_id: str) -> None:
        self.request = request
        self.route = route
        self.program = program
        self.request_id = request_id
        self.ids: dict[str, UUID] = {}
        self.who: Principal | None = None
        self._gateway: GatewayPrincipal | None = None
        self._home: tuple[UUID, Role] | None = None
        self.body: Any = None
        self.query: Any = None

    @property
    def principal(self) -> "Principal":
        """The user, wherever the gate is not PUBLIC."""
        assert self.who is not None
        return self.who

    @property
    def gateway(self) -> "GatewayPrincipal":
        """The gateway, where the gate is GATEWAY_KEY."""
        assert self._gateway is not None
        return self._gateway

    @property
    def organization_id(self) -> UUID:
        """The organization that the path leads to, wherever the gate is an Action."""
        assert self._home is not None
        return self._home[0]

    @property
    def home(self) -> UUID | None:
        """The organization that the path leads to, None where it leads to none."""
        return self._home[0] if self._home is not None else None

    @property
    def role(self) -> Role:
        """The user's role there."""
        assert self._home is not None
        return self._home[1]

    def admitted(self, gateway: "GatewayPrincipal") -> None:
        """Note which gateway asks."""
        self._gateway = gateway

    def at_home_in(self, organization: UUID, role: Role) -> None:
        """Note whose organization it is about, and the user's role there."""
        self._home = (organization, role)

    @property
    def address(self) -> str:
        """From where the request comes: what a trusted proxy says, else the peer."""
        return self.program.address_of(self.request)

    @property
    def user_agent(self) -> str | None:
        """What the client calls itself, cut and printable."""
        given = self.request.headers.get("User-Agent", "")
        return "".join(c for c in given[:300] if c.isprintable()) or None

    @property
    def by(self) -> By:
        """Who does it, for the audit log."""
        if self.who is None:
            return By(None, "anonymous", self.reason, self.request_id)
        return By(self.who.user_id, "user", self.reason, self.request_id)

    @property
    def reason(self) -> str | None:
        """Why, as the client says in X-Change-Reason (percent-encoded UTF-8)."""
        given = self.request.headers.get(REASON)
        text = unquote(given).strip() if given else ""
        if len(text) > MAX_REASON or not text.isprintable():
            raise problems.invalid(problems.FieldError(REASON, f"must have at most {MAX_REASON} printable characters"))
        return text or None

    def check_version(self, updated_at: datetime) -> None:
        """Raise a 412 if the request names a version that is not the stored one."""
        wanted = self.request.headers.get("If-Match")
        if wanted is None or wanted.strip() == "*":
            return
        given = {tag.strip().removeprefix("W/") for tag in wanted.split(",")}
        if version_of(updated_at) not in given:
            raise problems.changed_meanwhile()
