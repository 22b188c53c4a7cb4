"""Gateways: only the own ones; the broker's accounts are those that may come in."""

import json

from frostguard.store import gateways, organizations
from frostguard.store.connection import Connection
from frostguard.store.gateways import Wanted
from frostguard.store.organizations import Edit
from frostguard.store.paging import Page
from tests.store.tenants import BY, Tenant, entries


async def test_another_organization_reaches_nothing(direct: Connection, own: Tenant, foreign: Tenant) -> None:
    row = await gateways.get(direct, own.id, own.gateway)
    assert row is not None
    before = await entries(direct)
    edit = Edit(row["updated_at"], json.dumps({"name": "x"}), "{}")
    assert await gateways.get(direct, foreign.id, own.gateway) is None
    assert await gateways.update(direct, foreign.id, BY, own.gateway, edit) is None
    assert await gateways.set_credentials(direct, foreign.id, BY, own.gateway, "hash") is None
    assert await gateways.delete(direct, foreign.id, BY, own.gateway, None) is None
    assert await gateways.restore(direct, foreign.id, BY, own.gateway) is False
    assert await gateways.site_exists(direct, foreign.id, own.site) is False
    assert [row["id"] for row in await gateways.page(direct, foreign.id, Page(), Wanted())] == [foreign.gateway]
    assert await entries(direct) == before
    assert await gateways.broker_accounts(direct) == {}


async def test_the_broker_knows_living_native_gateways_with_a_password(direct: Connection, own: Tenant) -> None:
    gateway = await gateways.set_credentials(direct, own.id, BY, own.gateway, "hash")
    assert gateway is not None
    assert await gateways.broker_accounts(direct) == {gateway["serial"]: "hash"}
    await organizations.delete(direct, own.id, BY, None)
    assert await gateways.broker_accounts(direct) == {}


async def test_a_network_gets_a_password_that_the_broker_does_not_hear_of(direct: Connection, own: Tenant) -> None:
    made = await gateways.create(direct, own.id, BY, json.dumps({"serial": "a@b", "name": "x", "kind": "tts"}))
    found = await gateways.set_credentials(direct, own.id, BY, made, "hash")
    assert found is not None
    assert (found["serial"], found["kind"]) == ("a@b", "tts")
    assert await gateways.broker_accounts(direct) == {}
