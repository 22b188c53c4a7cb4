"""Sensors and gateways."""

from api.handlers import audit, gateways, sensors
from api.routing import Route
from api.shapes import audit as u
from api.shapes import common as c
from api.shapes import devices as d
from api.shapes import settings as s
from frostguard.domain.access import Action

# fmt: off
ROUTES: tuple[Route, ...] = (
    Route(
        "GET", "/organizations/{orgId}/sensors", sensors.list_of_organization, Action.READINGS_VIEW,
        "The sensors; pending=true is the inbox",
        list[d.Sensor], query=d.SensorQuery,
    ),
    Route(
        "POST", "/organizations/{orgId}/sensors", sensors.create, Action.SENSORS_MANAGE, "Register a sensor",
        d.SensorDetail, d.SensorRequest, status=201, refusals=(409,), audit="sensor.created",
    ),
    Route(
        "GET", "/units/{unitId}/sensors", sensors.list_of_unit, Action.READINGS_VIEW, "The sensors of a unit",
        list[d.Sensor], query=c.PageQuery,
    ),
    Route("GET", "/sensors/{sensorId}", sensors.get, Action.READINGS_VIEW, "A sensor", d.SensorDetail),
    Route(
        "PATCH", "/sensors/{sensorId}", sensors.change, Action.SENSORS_MANAGE, "Describe a sensor anew",
        d.SensorDetail, d.SensorChange, audit="sensor.updated",
    ),
    Route(
        "POST", "/sensors/{sensorId}/assign", sensors.assign, Action.SENSORS_MANAGE, "Let a sensor watch a unit",
        d.SensorDetail, d.Assignment, refusals=(409,), audit="sensor.assigned",
    ),
    Route(
        "POST", "/sensors/{sensorId}/unassign", sensors.unassign, Action.SENSORS_MANAGE, "Take a sensor from its unit",
        d.SensorDetail, refusals=(409,), audit="sensor.unassigned",
    ),
    Route(
        "POST", "/sensors/{sensorId}/primary", sensors.make_primary, Action.SENSORS_MANAGE,
        "Let the sensor's unit follow it",
        d.SensorDetail, refusals=(409, 422), audit="sensor.made_primary",
    ),
    Route(
        "DELETE", "/sensors/{sensorId}", sensors.delete, Action.SENSORS_MANAGE, "Delete a sensor",
        c.Deleted, refusals=(412,), audit="sensor.deleted",
    ),
    Route(
        "POST", "/sensors/{sensorId}/restore", sensors.restore, Action.ENTITIES_RESTORE, "Bring a deleted sensor back",
        d.SensorDetail, refusals=(409,), audit="sensor.restored",
    ),
    Route(
        "GET", "/sensors/{sensorId}/history", audit.history, Action.AUDIT_VIEW, "What was changed on a sensor",
        list[s.AuditEntry], query=u.HistoryQuery,
    ),
    Route(
        "GET", "/organizations/{orgId}/gateways", gateways.list_of_organization, Action.READINGS_VIEW, "The gateways",
        list[d.Gateway], query=d.GatewayQuery,
    ),
    Route(
        "POST", "/organizations/{orgId}/gateways", gateways.create, Action.GATEWAYS_MANAGE, "Add a gateway",
        d.Gateway, d.GatewayRequest, status=201, refusals=(409,), audit="gateway.created",
    ),
    Route("GET", "/gateways/{gatewayId}", gateways.get, Action.READINGS_VIEW, "A gateway", d.Gateway),
    Route(
        "PATCH", "/gateways/{gatewayId}", gateways.change, Action.GATEWAYS_MANAGE, "Change a gateway",
        d.Gateway, d.GatewayChange, audit="gateway.updated",
    ),
    Route(
        "POST", "/gateways/{gatewayId}/credentials", gateways.issue_credentials, Action.GATEWAYS_MANAGE,
        "Make a new password, shown this once",
        d.Credentials, status=201, refusals=(409,), settles=True, audit="gateway.credentials_issued",
    ),
    Route(
        "DELETE", "/gateways/{gatewayId}/credentials", gateways.revoke_credentials, Action.GATEWAYS_MANAGE,
        "Shut a gateway out",
        c.Done, refusals=(409,), settles=True, audit="gateway.credentials_revoked",
    ),
    Route(
        "DELETE", "/gateways/{gatewayId}", gateways.delete, Action.GATEWAYS_MANAGE, "Delete a gateway",
        c.Deleted, refusals=(412,), settles=True, audit="gateway.deleted",
    ),
    Route(
        "POST", "/gateways/{gatewayId}/restore", gateways.restore, Action.ENTITIES_RESTORE,
        "Bring a deleted gateway back",
        d.Gateway, refusals=(409,), audit="gateway.restored",
    ),
    Route(
        "GET", "/gateways/{gatewayId}/history", audit.history, Action.AUDIT_VIEW, "What was changed on a gateway",
        list[s.AuditEntry], query=u.HistoryQuery,
    ),
)
