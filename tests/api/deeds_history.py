"""Requests that succeed, for what was measured, for alerts, and for what people do about them."""

from datetime import UTC, datetime, timedelta

from tests.api.deeds import Request, deed, plain
from tests.api.world import Organization, World

for each in ("/readings", "/readings/latest", "/readings/export", "/statistics"):
    plain(f"GET /units/{{unitId}}{each}")

for each in ("alerts", "alerts/count", "alert-analytics", "alert-timeline", "corrective-actions", "suppressions"):
    plain(f"GET /organizations/{{orgId}}/{each}")
for each in ("sites/{siteId}/alerts", "units/{unitId}/alerts", "alerts/{alertId}"):
    plain(f"GET /{each}")
for method in ("PUT", "POST"):
    plain(f"{method} /alerts/{{alertId}}/acknowledge", None, "staff")
    plain(f"{method} /alerts/{{alertId}}/resolve", {"note": "a new seal"}, "manager")
for each in ("alerts/{alertId}", "units/{unitId}"):
    plain(f"POST /{each}/corrective-actions", {"actionTaken": "moved the goods", "rootCause": "seal"}, "staff")


async def suppression(world: World, org: Organization) -> str:
    made = await world.sql.fetchval(
        "insert into suppressions (organization_id, starts_at, ends_at) values ($1, now(), now() + interval '1 day')"
        " returning id",
        org.id,
    )
    return f"/organizations/{org.id}/suppressions/{made}"


@deed("GET /organizations/{orgId}/suppressions/{suppressionId}")
async def show_suppression(world: World, org: Organization) -> Request:
    return Request("GET", await suppression(world, org), None, org.token("viewer"))


@deed("PATCH /organizations/{orgId}/suppressions/{suppressionId}")
async def change_suppression(world: World, org: Organization) -> Request:
    return Request("PATCH", await suppression(world, org), {"note": "until noon"}, org.token("manager"))


@deed("DELETE /organizations/{orgId}/suppressions/{suppressionId}")
async def end_suppression(world: World, org: Organization) -> Request:
    return Request("DELETE", await suppression(world, org), None, org.token("manager"))


@deed("POST /organizations/{orgId}/suppressions")
async def plan_suppression(world: World, org: Organization) -> Request:
    body = {
        "reason": "defrost", "unitId": str(org.unit), "alertTypes": ["alarm_active"],
        "endsAt": (datetime.now(UTC) + timedelta(hours=2)).isoformat(),
    }  # fmt: skip
    return Request("POST", f"/organizations/{org.id}/suppressions", body, org.token("manager"))
