"""Requests that succeed, for what was measured, for alerts, and for what people do about them."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

from frostguard.gateway_passwords import mosquitto_hash
from tests.api.deeds import Request, deed, plain
from tests.api.world import PASSWORD, Organization, World

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


# --- manual logs and readings over HTTP

for each in (
    "units/{unitId}/manual-logs",
    "organizations/{orgId}/manual-logs",
    "organizations/{orgId}/manual-logs/due",
):
    plain(f"GET /{each}")
plain("POST /units/{unitId}/manual-logs", {"temperature": 39.2, "unit": "F", "notes": "by hand"}, "staff")


@deed("POST /manual-logs/batch")
async def batch(world: World, org: Organization) -> Request:
    log = {
        "unitId": str(org.unit), "temperature": 3.5, "loggedAt": (datetime.now(UTC) - timedelta(days=1)).isoformat(),
        "idempotencyKey": "phone-1",
    }  # fmt: skip
    return Request("POST", "/manual-logs/batch", {"logs": [log, {}]}, org.token("staff"))


async def gateway_key(world: World, org: Organization) -> str:
    """Credentials of the organization's gateway, as a token."""
    serial = await world.sql.fetchval(
        "update gateways set password_hash = $2 where id = $1 returning serial", org.gateway, mosquitto_hash(PASSWORD)
    )
    return base64.b64encode(f"{serial}:{PASSWORD}".encode()).decode()


async def network_key(world: World, org: Organization, kind: str, serial: str) -> str:
    """Credentials of a new network of the organization, as a token."""
    await world.sql.execute(
        "insert into gateways (organization_id, kind, serial, name, password_hash) values ($1, $2, $3, 'n', $4)",
        org.id, kind, serial, mosquitto_hash(PASSWORD),
    )  # fmt: skip
    return base64.b64encode(f"{serial}:{PASSWORD}".encode()).decode()


@deed("POST /ingest/readings")
async def send_readings(world: World, org: Organization) -> Request:
    body = {"readings": [{"sensor": "a84041000181c061", "temperature": -18.4, "seq": 1}], "boot": "b1"}
    return Request("POST", "/ingest/readings", body, await gateway_key(world, org))


def uplink(application: str = "cold") -> dict[str, Any]:
    return {
        "end_device_ids": {
            "device_id": "probe-1", "dev_eui": "A84041000181C061",
            "application_ids": {"application_id": application},
        },
        "uplink_message": {
            "f_cnt": 7, "frm_payload": "AA==", "decoded_payload": {"TempC_SHT": 4.5},
            "received_at": "2026-11-22T12:00:00Z",
        },
    }  # fmt: skip


@deed("POST /ingest/ttn")
async def send_uplink(world: World, org: Organization) -> Request:
    return Request("POST", "/ingest/ttn", uplink(org.slug), await network_key(world, org, "tts", f"{org.slug}@tenant"))


def event(application: str = "cold") -> dict[str, Any]:
    return {
        "time": "2026-11-22T12:00:00Z", "fCnt": 7, "fPort": 2, "data": "AA==", "object": {"TempC_SHT": 4.5},
        "deviceInfo": {"applicationId": application, "devEui": "a84041000181c061"},
    }  # fmt: skip


@deed("POST /ingest/chirpstack")
async def send_event(world: World, org: Organization) -> Request:
    return Request("POST", "/ingest/chirpstack", event(org.slug), await network_key(world, org, "chirpstack", org.slug))
