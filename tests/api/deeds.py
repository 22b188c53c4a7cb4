"""For every route one request that succeeds: what the tests over the whole table send, or spoil."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from api.program import Program
from api.routing import Route
from frostguard.domain.access import Role
from frostguard.security import hash_password, hash_token
from frostguard.store.sessions import Client, begin
from tests.api.world import PASSWORD, Organization, World

HASH = hash_password(PASSWORD, 4)


@dataclass(frozen=True)
class Request:
    """One request."""

    method: str
    path: str
    body: dict[str, Any] | None = None
    token: str | None = None


Deed = Callable[[World, Organization], Awaitable[Request]]
DEEDS: dict[str, Deed] = {}


def deed(name: str) -> Callable[[Deed], Deed]:
    def keep(function: Deed) -> Deed:
        DEEDS[name] = function
        return function

    return keep


def plain(name: str, body: dict[str, Any] | None = None, role: str = "owner") -> None:
    """A request whose path names what every organization has, and which needs nothing else."""

    async def prepare(_: World, org: Organization) -> Request:
        method, path = name.split(" ")
        return Request(method, filled(path, org), body, org.token(role))

    DEEDS[name] = prepare


def filled(path: str, org: Organization) -> str:
    ids = {"orgId": org.id, "siteId": org.site, "areaId": org.area, "unitId": org.unit, "sensorId": org.sensor}
    return path.format(**ids, gatewayId=org.gateway, alertId=org.alert)


def covers(program: Program) -> tuple[set[str], set[str]]:
    """Routes without a deed, deeds without a route."""
    names = {route.name for route in program.routes}
    return names - DEEDS.keys(), DEEDS.keys() - names


def changing(program: Program) -> list[Route]:
    return [route for route in program.routes if route.mutates]


for each in ("/health", "/livez", "/readyz", "/metrics", "/openapi.json", "/docs", "/", "/wall", "/ws", "/events"):
    plain(f"GET {each}")
plain("POST /auth/ticket")
for each in ("/auth/me", "/auth/sessions", "/organizations", "/organizations/slug-available?slug=free", "/settings"):
    plain(f"GET {each}")
DEEDS["GET /organizations/slug-available"] = DEEDS.pop("GET /organizations/slug-available?slug=free")
for each in (
    "",
    "/nav-tree",
    "/deleted",
    "/members",
    "/invitations",
    "/settings",
    "/retention",
    "/sites",
    "/units",
    "/trends",
    "/sensors",
    "/gateways",
):
    plain(f"GET /organizations/{{orgId}}{each}")
for each in ("", "/verify", "/export"):
    plain(f"GET /organizations/{{orgId}}/audit{each}")
for kind in ("sites/{siteId}", "areas/{areaId}", "units/{unitId}"):
    for each in ("", "/deletion-preview", "/history"):
        plain(f"GET /{kind}{each}")
for each in (
    "/sites/{siteId}/settings", "/sites/{siteId}/areas", "/areas/{areaId}/units", "/units/{unitId}/settings",
    "/units/{unitId}/sensors", "/units/{unitId}/doors", "/sensors/{sensorId}", "/sensors/{sensorId}/history",
    "/gateways/{gatewayId}", "/gateways/{gatewayId}/history",
):  # fmt: skip
    plain(f"GET {each}")


@deed("GET /page/{version}/{file}")
async def page_file(world: World, _org: Organization) -> Request:
    return Request("GET", f"/page/{world.program.assets.version}/page.css")


plain("POST /auth/logout")
plain(
    "PATCH /auth/me",
    {"fullName": "Ada", "phone": "+49 1", "notificationPreferences": {"push": True, "email": False, "sms": True}},
)
plain("POST /organizations", {"name": "Second"})
plain("PATCH /organizations/{orgId}", {"name": "Renamed", "timezone": "Europe/Berlin", "complianceMode": "haccp"})
plain("DELETE /organizations/{orgId}")
plain("POST /organizations/{orgId}/leave", role="staff")
plain("POST /organizations/{orgId}/invitations", {"email": "new@example.com", "role": "manager"})
plain("PATCH /organizations/{orgId}/retention", {"retentionDays": 400})
plain("PATCH /organizations/{orgId}/settings", {"confirmSeconds": 300, "gatewayMissedCheckins": 5})
plain(
    "POST /organizations/{orgId}/sites",
    {"name": "Harbour", "latitude": 53.5, "timezone": "Europe/Berlin", "city": "Ulm"},
)
plain("PATCH /sites/{siteId}", {"name": "Renamed", "country": None})
plain("DELETE /sites/{siteId}")
plain("PATCH /sites/{siteId}/settings", {"hysteresis": 1.5})
plain("POST /sites/{siteId}/areas", {"name": "Cellar", "sortOrder": 3, "description": "cold"})
plain("PATCH /areas/{areaId}", {"description": "warm", "sortOrder": -1})
plain("DELETE /areas/{areaId}")
plain(
    "POST /areas/{areaId}/units",
    {"name": "Freezer", "unitType": "freezer", "tempMin": -25, "tempMax": -12.5, "notes": "loud"},
)
plain("PUT /units/{unitId}", {"name": "Renamed", "tempMin": 0, "tempMax": 8})
plain("PATCH /units/{unitId}", {"make": "Liebherr", "unitType": "display_case", "tempMin": None})
plain("DELETE /units/{unitId}")
plain("PATCH /units/{unitId}/settings", {"high": 7, "low": 0, "confirmSeconds": 0}, role="manager")
plain("POST /organizations/{orgId}/sensors", {"serial": "A8-40-41-00-01-81-C0-61", "kind": "combo", "rangeLow": -40})
plain(
    "PATCH /sensors/{sensorId}",
    {"name": "Probe 1", "reportIntervalSeconds": 60, "calibratedAt": "2026-01-02T03:04:05Z"},
)
plain("DELETE /sensors/{sensorId}")
plain("POST /organizations/{orgId}/gateways", {"serial": "box-1", "name": "Box", "description": "in the hall"})
plain("PATCH /gateways/{gatewayId}", {"name": "Big box"})
plain("POST /gateways/{gatewayId}/credentials")
plain("DELETE /gateways/{gatewayId}/credentials")
plain("DELETE /gateways/{gatewayId}")


async def signed_in(world: World, org: Organization, role: str = "owner") -> str:
    """A token of a member whose password is PASSWORD."""
    user = org.users[Role(role)]
    await world.sql.execute("update users set password_hash = $2 where id = $1", user, HASH)
    return org.token(role)


async def mailed_token(world: World, user: UUID, purpose: str) -> str:
    token = secrets.token_hex()
    await world.sql.execute(
        "insert into email_tokens (hash, user_id, purpose, expires_at) values ($1, $2, $3, now() + interval '1 hour')",
        hash_token(token), user, purpose,
    )  # fmt: skip
    return token


async def invitation(world: World, org: Organization, email: str, role: str = "viewer") -> tuple[UUID, str]:
    token = secrets.token_hex()
    made = await world.sql.fetchval(
        "insert into invitations (organization_id, email, role, token_hash, expires_at)"
        " values ($1, $2, $3::text::app_role, $4, now() + interval '1 hour') returning id",
        org.id, email, role, hash_token(token),
    )  # fmt: skip
    return made, token


@deed("POST /auth/register")
async def register(world: World, org: Organization) -> Request:
    body = {
        "email": f"{secrets.token_hex(4)}@example.com",
        "password": PASSWORD,
        "fullName": "Ada",
        "organizationName": "X",
    }
    return Request("POST", "/auth/register", body)


@deed("POST /auth/verify")
async def verify(world: World, org: Organization) -> Request:
    return Request("POST", "/auth/verify", {"token": await mailed_token(world, org.users[Role.OWNER], "verify")})


@deed("POST /auth/verify/resend")
async def resend(world: World, org: Organization) -> Request:
    return Request("POST", "/auth/verify/resend", {"email": "nobody@example.com"})


@deed("POST /auth/login")
async def login(world: World, org: Organization) -> Request:
    email = f"{secrets.token_hex(4)}@example.com"
    await world.member(org.id, "staff", await world.user(email, password_hash=HASH))
    return Request("POST", "/auth/login", {"email": email, "password": PASSWORD})


async def refresh_token(world: World, user: UUID) -> str:
    token = secrets.token_hex()
    await begin(world.sql, user, Client("127.0.0.1", "test"), world.program.lives, hash_token(token))
    return token


@deed("POST /auth/refresh")
async def refresh(world: World, org: Organization) -> Request:
    return Request("POST", "/auth/refresh", {"refresh_token": await refresh_token(world, org.users[Role.OWNER])})


@deed("PUT /auth/organization")
async def choose(world: World, org: Organization) -> Request:
    return Request("PUT", "/auth/organization", {"organizationId": str(org.id)}, org.owner)


@deed("DELETE /auth/sessions")
async def end_others(world: World, org: Organization) -> Request:
    await world.token(org.users[Role.OWNER])
    return Request("DELETE", "/auth/sessions", None, org.owner)


@deed("DELETE /auth/sessions/{sessionId}")
async def end_one(world: World, org: Organization) -> Request:
    other = world.program.signer.verify(await world.token(org.users[Role.OWNER])).session
    return Request("DELETE", f"/auth/sessions/{other}", None, org.owner)


@deed("PUT /auth/password")
async def change_password(world: World, org: Organization) -> Request:
    body = {"currentPassword": PASSWORD, "newPassword": "another horse"}
    return Request("PUT", "/auth/password", body, await signed_in(world, org))


@deed("POST /auth/password/forgot")
async def forgot(world: World, org: Organization) -> Request:
    return Request("POST", "/auth/password/forgot", {"email": "nobody@example.com"})


@deed("POST /auth/password/reset")
async def reset(world: World, org: Organization) -> Request:
    token = await mailed_token(world, org.users[Role.STAFF], "reset")
    return Request("POST", "/auth/password/reset", {"token": token, "password": "another horse"})


@deed("DELETE /account")
async def close(world: World, org: Organization) -> Request:
    return Request("DELETE", "/account", {"password": PASSWORD}, await signed_in(world, org, "viewer"))


@deed("POST /invitations/preview")
async def preview(world: World, org: Organization) -> Request:
    _, token = await invitation(world, org, "new@example.com")
    return Request("POST", "/invitations/preview", {"token": token})


@deed("POST /invitations/accept")
async def accept(world: World, org: Organization) -> Request:
    _, token = await invitation(world, org, f"{secrets.token_hex(4)}@example.com")
    return Request("POST", "/invitations/accept", {"token": token, "password": PASSWORD, "fullName": "New"})


@deed("DELETE /organizations/{orgId}/invitations/{invitationId}")
async def revoke_invitation(world: World, org: Organization) -> Request:
    made, _ = await invitation(world, org, "new@example.com")
    return Request("DELETE", f"/organizations/{org.id}/invitations/{made}", None, org.owner)


@deed("POST /organizations/{orgId}/transfer-ownership")
async def hand_over(world: World, org: Organization) -> Request:
    body = {"userId": str(org.users[Role.ADMIN]), "password": PASSWORD}
    return Request("POST", f"/organizations/{org.id}/transfer-ownership", body, await signed_in(world, org))


@deed("PATCH /organizations/{orgId}/members/{userId}")
async def change_role(world: World, org: Organization) -> Request:
    path = f"/organizations/{org.id}/members/{org.users[Role.STAFF]}"
    return Request("PATCH", path, {"role": "manager"}, org.owner)


@deed("DELETE /organizations/{orgId}/members/{userId}")
async def remove_member(world: World, org: Organization) -> Request:
    return Request("DELETE", f"/organizations/{org.id}/members/{org.users[Role.STAFF]}", None, org.owner)


@deed("POST /units/{unitId}/move")
async def move(world: World, org: Organization) -> Request:
    area = await world.area(org.id, org.site)
    return Request("POST", f"/units/{org.unit}/move", {"areaId": str(area)}, org.owner)


@deed("POST /sensors/{sensorId}/assign")
async def assign(world: World, org: Organization) -> Request:
    return Request("POST", f"/sensors/{org.sensor}/assign", {"unitId": str(org.unit), "primary": True}, org.owner)


@deed("POST /sensors/{sensorId}/unassign")
async def unassign(world: World, org: Organization) -> Request:
    return Request("POST", f"/sensors/{await world.sensor(org.id, org.unit)}/unassign", None, org.owner)


@deed("POST /sensors/{sensorId}/primary")
async def make_primary(world: World, org: Organization) -> Request:
    return Request("POST", f"/sensors/{await world.sensor(org.id, org.unit)}/primary", None, org.owner)


@deed("POST /sites/{siteId}/restore")
async def restore_site(world: World, org: Organization) -> Request:
    return Request("POST", f"/sites/{await world.site(org.id, deleted=True)}/restore", None, org.owner)


@deed("POST /areas/{areaId}/restore")
async def restore_area(world: World, org: Organization) -> Request:
    return Request("POST", f"/areas/{await world.area(org.id, org.site, deleted=True)}/restore", None, org.owner)


@deed("POST /units/{unitId}/restore")
async def restore_unit(world: World, org: Organization) -> Request:
    return Request("POST", f"/units/{await world.unit(org.id, org.area, deleted=True)}/restore", None, org.owner)


@deed("POST /sensors/{sensorId}/restore")
async def restore_sensor(world: World, org: Organization) -> Request:
    return Request("POST", f"/sensors/{await world.sensor(org.id, deleted=True)}/restore", None, org.owner)


@deed("POST /gateways/{gatewayId}/restore")
async def restore_gateway(world: World, org: Organization) -> Request:
    return Request("POST", f"/gateways/{await world.gateway(org.id, deleted=True)}/restore", None, org.owner)


async def free_slug(world: World, org: Organization) -> Request:
    return Request("GET", "/organizations/slug-available?slug=free-one", None, org.owner)


DEEDS["GET /organizations/slug-available"] = free_slug
