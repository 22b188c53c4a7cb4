"""What a route declares, and what must hold before the program starts."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from aiohttp import web
from pydantic import BaseModel

from api.answers import Answer
from frostguard.domain.access import Action
from frostguard.errors import UsageError

if TYPE_CHECKING:
    from api.call import Call

MUTATING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
PARAMETER = re.compile(r"\{(\w+)\}")


class Gate(Enum):
    """Who gets in where no permission of an organization is asked for."""

    PUBLIC = "anybody"
    SIGNED_IN = "a living session"
    GATEWAY_KEY = "a gateway's name and password (HTTP Basic)"


class Unaudited(str):
    """Why a mutating route writes no audit entry."""

    __slots__ = ()


class Limit(float):
    """How many requests a minute one address may make."""

    __slots__ = ()


Handler = Callable[["Call"], Awaitable[Answer | web.StreamResponse]]
Shape = type[Any]  # of a model, or of a list of one


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the route table.

    `gate` is an Action (of the organization that the path leads to) or a Gate. `audit` names the entry that a mutating
    route writes, or says why it writes none. `settles`: the answer waits until every process has heard that access
    changed. `refusals`: statuses beside those that follow from the other columns.
    """

    method: str
    path: str
    handler: Handler
    gate: Action | Gate
    summary: str
    answer: Shape | None = None
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    status: int = 200
    audit: str | None = None
    refusals: tuple[int, ...] = ()
    settles: bool = False
    limit: Limit | None = None
    media: str = "application/json"

    @property
    def name(self) -> str:
        """Method and path, as logs and metrics show it."""
        return f"{self.method} {self.path}"

    @property
    def goes_on(self) -> bool:
        """Whether its answer has no end of its own: a socket, a stream of events."""
        return self.status == 101 or self.media == "text/event-stream"

    @property
    def mutates(self) -> bool:
        """Whether it may change anything."""
        return self.method in MUTATING

    @property
    def takes_reason(self) -> bool:
        """Whether X-Change-Reason goes into the audit log."""
        return self.mutates and (isinstance(self.gate, Action) or self.gate is Gate.SIGNED_IN)

    @property
    def parameters(self) -> list[str]:
        """The names in the path, in order."""
        return PARAMETER.findall(self.path)

    @property
    def statuses(self) -> list[int]:
        """Every refusal that the document promises for this route."""
        found = {400, 500, 503, *self.refusals}  # 400: what is no HTTP, or too long a line of it
        if self.gate is not Gate.PUBLIC:
            found.add(401)
        if isinstance(self.gate, Action):
            found |= {403, 404}
        if self.parameters:
            found.add(404)
        if self.body is not None:
            found |= {408, 413, 415, 422}
        if self.query is not None or self.takes_reason:
            found.add(422)
        if self.limit is not None:
            found.add(429)
        if isinstance(self.gate, Action) and self.method in {"PUT", "PATCH"}:
            found |= {409, 412}
        return sorted(found)


# What a path's first parameter names; it decides whose organization is asked for the permission.
KINDS = {
    "orgId": "organization",
    "siteId": "site",
    "areaId": "area",
    "unitId": "unit",
    "sensorId": "sensor",
    "gatewayId": "gateway",
    "alertId": "alert",
}


def check(routes: Sequence[Route], kinds: dict[str, str]) -> None:
    """Raise UsageError for a table that must not serve: no gate, no audit entry, no known object, or twice."""
    seen: set[str] = set()
    for route in routes:
        complaint = _complaint(route, kinds)
        if route.name in seen:
            complaint = "is declared twice"
        if complaint:
            raise UsageError(f"route {route.name} {complaint}")
        seen.add(route.name)


def _complaint(route: Route, kinds: dict[str, str]) -> str | None:
    gate: Any = route.gate
    if not isinstance(gate, Action | Gate):
        return "declares no permission"
    if isinstance(gate, Action) and (not route.parameters or route.parameters[0] not in kinds):
        return "asks a permission of an organization that its path does not lead to"
    if route.mutates and route.audit is None:
        return "changes something and declares no audit entry"
    if route.settles and not route.mutates:
        return "settles without changing anything"
    return None
