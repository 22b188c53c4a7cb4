"""What operators do: shut out, let in, restore, hand out credentials; each logged as theirs."""

import json

from frostguard.gateway_passwords import matches
from frostguard.security import verify_password


def test_an_organization_is_made_with_an_owner_who_can_sign_in(command, psql) -> None:
    said = command("organizations", "create", "kitchen", "--name", "Kitchen", "--owner", "Ada@x.io")
    password = said.out.rsplit(" ", 1)[1].strip()
    [(stored,)] = psql("select password_hash from users where email = 'ada@x.io'")
    assert verify_password(password, stored)
    again = command("organizations", "create", "second", "--name", "Second", "--owner", "ada@x.io")
    assert "password" not in again.out
    assert command("organizations", "create", "kitchen", "--name", "x", "--owner", "b@x.io").code == 2
    assert psql("select count(*) from users") == [(1,)]
    [user] = [json.loads(line) for line in command("users", "list", "--json").out.splitlines()]
    assert user["roles"] == "kitchen:owner second:owner"
    assert psql("select distinct actor from audit_log") == [("operator",)]


def test_somebody_is_shut_out_and_let_in(command, psql) -> None:
    command("organizations", "create", "kitchen", "--name", "K", "--owner", "ada@x.io")
    psql("insert into sessions (user_id, expires_at) select id, now() + interval '1 day' from users")
    assert command("users", "disable", "Ada@x.io").code == 0
    assert psql("select disabled_at is not null from users") == [(True,)]
    assert psql("select count(*) from sessions where revoked_at is null") == [(0,)]
    assert command("users", "enable", "ada@x.io").code == 0
    assert psql("select disabled_at from users") == [(None,)]
    assert command("users", "disable", "nobody@x.io").code == 2


def test_a_new_password_is_printed_and_counts(command, psql) -> None:
    command("organizations", "create", "kitchen", "--name", "K", "--owner", "ada@x.io")
    password = command("users", "reset-password", "ada@x.io").out.strip()
    [(stored,)] = psql("select password_hash from users")
    assert verify_password(password, stored)
    assert command("users", "reset-password", "nobody@x.io").code == 2


def test_a_deleted_organization_comes_back(command, psql) -> None:
    command("organizations", "create", "kitchen", "--name", "K", "--owner", "ada@x.io")
    assert command("organizations", "restore", "kitchen").code == 2
    psql("update organizations set deleted_at = now()")
    assert command("organizations", "restore", "kitchen").code == 0
    assert "kitchen" in command("organizations", "list").out


def test_a_gateway_gets_a_password_and_loses_it(command, psql) -> None:
    command("organizations", "create", "kitchen", "--name", "K", "--owner", "ada@x.io")
    psql("insert into gateways (organization_id, serial, name) select id, 'gw1', 'Box' from organizations")
    password = command("gateways", "issue", "kitchen", "gw1").out.strip()
    [(stored,)] = psql("select password_hash from gateways")
    assert matches(password, stored)
    assert "gw1" in command("gateways", "list", "kitchen").out
    assert command("gateways", "revoke", "kitchen", "gw1").code == 0
    assert psql("select password_hash from gateways") == [(None,)]
    assert command("gateways", "issue", "kitchen", "gw2").code == 2
    assert command("gateways", "list", "nobody").code == 2


def test_a_deleted_organization_is_removed_for_good_when_somebody_insists(command, psql) -> None:
    command("organizations", "create", "kitchen", "--name", "K", "--owner", "ada@x.io")
    purge = ("organizations", "purge", "kitchen")
    assert "only what is deleted" in command(*purge, "--yes").err
    psql("update organizations set deleted_at = now(), legal_hold_since = now(), legal_hold_reason = 'court'")
    assert "legal hold" in command(*purge, "--yes").err
    psql("update organizations set legal_hold_since = null, legal_hold_reason = null")
    shown = command(*purge)
    assert (shown.code, "members: 1" in shown.out, "nothing is removed" in shown.err) == (0, True, True)
    assert psql("select count(*) from organizations") == [(1,)]
    [(entries,)] = psql("select count(*) from audit_log")
    assert command(*purge, "--yes").code == 0
    assert psql("select count(*) from organizations") == [(0,)]
    assert psql("select count(*) from audit_log") == [(entries + 1,)]
    [(actor, action, old)] = psql("select actor, action, old_values from audit_log order by at desc limit 1")
    assert (actor, action, json.loads(old)["slug"]) == ("operator", "organization.purged", "kitchen")
    assert command("audit", "verify").code == 0
    assert command(*purge, "--yes").code == 2
