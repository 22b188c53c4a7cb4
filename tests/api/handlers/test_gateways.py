"""Gateways: a password shown once, kept as the broker wants it."""

from frostguard.gateway_passwords import matches
from frostguard.store import gateways
from tests.api.world import Api, World


async def test_credentials_are_shown_once_and_kept_as_a_hash(api: Api, world: World) -> None:
    org = await world.organization()
    issued = (await api.post(f"/gateways/{org.gateway}/credentials", token=org.owner)).json
    assert issued["topic"] == f"frostguard/v1/{org.slug}/{issued['username']}/readings"
    accounts = await gateways.broker_accounts(world.sql)
    assert accounts[issued["username"]].startswith("$7$")
    assert matches(issued["password"], accounts[issued["username"]])
    shown = await api.get(f"/gateways/{org.gateway}", org.owner)
    assert shown.json["hasCredentials"] is True
    assert issued["password"] not in shown.body.decode()
    assert "$7$" not in shown.body.decode()


async def test_a_new_password_replaces_the_old_one_and_revoking_ends_it(api: Api, world: World) -> None:
    org = await world.organization()
    path = f"/gateways/{org.gateway}/credentials"
    first, second = [(await api.post(path, token=org.owner)).json for _ in range(2)]
    stored = (await gateways.broker_accounts(world.sql))[first["username"]]
    assert (matches(first["password"], stored), matches(second["password"], stored)) == (False, True)
    await api.delete(path, token=org.owner)
    assert await gateways.broker_accounts(world.sql) == {}
    actions = [each["action"] for each in (await api.get(f"/gateways/{org.gateway}/history", org.owner)).json]
    assert actions == ["gateway.credentials_revoked", "gateway.credentials_rotated", "gateway.credentials_issued"]


async def test_a_deleted_gateway_has_no_account_and_comes_back_without(api: Api, world: World) -> None:
    org = await world.organization()
    await api.post(f"/gateways/{org.gateway}/credentials", token=org.owner)
    await api.delete(f"/gateways/{org.gateway}", token=org.owner)
    assert await gateways.broker_accounts(world.sql) == {}
    back = await api.post(f"/gateways/{org.gateway}/restore", token=org.owner)
    assert back.json["hasCredentials"] is False


async def test_a_serial_is_one_over_all_organizations_because_the_broker_knows_none(api: Api, world: World) -> None:
    one, two = await world.organization(), await world.organization()
    body = {"serial": "box-1", "name": "Box"}
    assert (await api.post(f"/organizations/{one.id}/gateways", body, one.owner)).status == 201
    reply = await api.post(f"/organizations/{two.id}/gateways", body, two.owner)
    assert (reply.status, reply.json["error"]) == (409, "This serial is taken.")


async def test_names_that_could_bend_a_topic_are_refused(api: Api, world: World) -> None:
    org = await world.organization()
    for serial in ("a/b", "a+b", "#", "a b", "ä", "", "x" * 65, "$SYS"):
        body = {"serial": serial, "name": "x"}
        assert (await api.post(f"/organizations/{org.id}/gateways", body, org.owner)).status == 422, serial
    body = {"serial": "app@tenant", "name": "x", "kind": "tts"}
    made = (await api.post(f"/organizations/{org.id}/gateways", body, org.owner)).json
    assert made["serial"] == "app@tenant"


async def test_a_network_has_credentials_that_the_broker_never_hears_of(api: Api, world: World) -> None:
    org = await world.organization()
    for kind, serial, topic in (
        ("tts", "app@tenant", "v3/app@tenant/devices/+/up"),
        ("chirpstack", "5f0c", "application/5f0c/device/+/event/up"),
    ):
        body = {"serial": serial, "name": "x", "kind": kind}
        made = (await api.post(f"/organizations/{org.id}/gateways", body, org.owner)).json
        issued = (await api.post(f"/gateways/{made['id']}/credentials", token=org.owner)).json
        assert (issued["username"], issued["topic"]) == (serial, topic)
    assert await gateways.broker_accounts(world.sql) == {}
