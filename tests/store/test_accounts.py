"""Accounts: one per address, tokens of mails once, failures counted and forgiven, and the end of it."""

from uuid import UUID

from frostguard.security import hash_token
from frostguard.store import accounts, members
from frostguard.store.accounts import Door
from frostguard.store.connection import Connection
from tests.store.tenants import Tenant

DOOR = Door(hash_token("a@x.io"), "192.0.2.1", "a@x.io")


async def user_of(connection: Connection, email: str = "a@x.io") -> UUID:
    user = await accounts.create(connection, email, "hash", "Ada", verified=False)
    assert user is not None
    return user


async def test_an_address_has_one_account(direct: Connection) -> None:
    user = await user_of(direct)
    assert await accounts.create(direct, "a@x.io", "other", None, verified=True) is None
    row = await accounts.credentials(direct, "a@x.io")
    assert row is not None
    assert (row["id"], row["password_hash"], row["full_name"]) == (user, "hash", "Ada")
    assert await accounts.credentials(direct, "b@x.io") is None


async def test_a_hash_is_replaced_only_if_it_is_still_the_one(direct: Connection) -> None:
    user = await user_of(direct)
    await accounts.replace_hash(direct, user, "other", "new")
    assert (await accounts.credentials_of(direct, user) or {})["password_hash"] == "hash"
    await accounts.replace_hash(direct, user, "hash", "new")
    assert (await accounts.credentials_of(direct, user) or {})["password_hash"] == "new"


async def test_a_mailed_token_counts_once_for_its_purpose_and_its_time(direct: Connection) -> None:
    user = await user_of(direct)
    await accounts.add_email_token(direct, hash_token("t"), user, "reset", 60)
    assert await accounts.use_email_token(direct, hash_token("t"), "verify") is None
    assert await accounts.use_email_token(direct, hash_token("t"), "reset") == user
    assert await accounts.use_email_token(direct, hash_token("t"), "reset") is None
    await accounts.add_email_token(direct, hash_token("t"), user, "reset", 60)
    assert await accounts.use_email_token(direct, hash_token("t"), "reset") is None, "not even when it is mailed again"
    for _ in range(2):
        await accounts.add_email_token(direct, hash_token("w"), user, "reset", 60)
    assert await accounts.use_email_token(direct, hash_token("w"), "reset") == user
    await accounts.add_email_token(direct, hash_token("u"), user, "reset", 0)
    assert await accounts.use_email_token(direct, hash_token("u"), "reset") is None
    await accounts.add_email_token(direct, hash_token("v"), user, "reset", 60)
    await accounts.set_disabled(direct, "a@x.io", disabled=True)
    assert await accounts.use_email_token(direct, hash_token("v"), "reset") is None


async def test_failures_are_counted_whether_the_account_exists_or_not(direct: Connection) -> None:
    for _ in range(4):
        await accounts.count_failure(direct, DOOR)
    assert await accounts.seconds_to_wait(direct, DOOR) == 0
    await accounts.count_failure(direct, DOOR)
    assert 0 < await accounts.seconds_to_wait(direct, DOOR) <= 1
    await accounts.forgive(direct, DOOR)
    assert await accounts.seconds_to_wait(direct, DOOR) == 0


async def test_failures_of_long_ago_count_no_more(direct: Connection) -> None:
    for _ in range(9):
        await accounts.count_failure(direct, DOOR)
    await direct.execute("update login_failures set last_at = now() - interval '25 hours'")
    await accounts.count_failure(direct, DOOR)
    assert await direct.fetchval("select failures from login_failures") == 1
    await direct.execute("update login_failures set last_at = now() - interval '3 days'")
    await accounts.forget_old_failures(direct)
    assert await direct.fetchval("select count(*) from login_failures") == 0


async def test_the_organization_to_work_in_is_one_of_the_own(direct: Connection, own: Tenant, foreign: Tenant) -> None:
    user = await user_of(direct)
    await members.add(direct, own.id, user, "owner")
    assert not await accounts.choose_organization(direct, user, foreign.id)
    assert await accounts.choose_organization(direct, user, own.id)
    assert [row["id"] for row in await accounts.sole_ownerships(direct, user)] == [own.id]
    assert own.id == (await accounts.credentials_of(direct, user) or {})["organization_id"]


async def test_what_names_a_person_goes_and_the_id_stays(direct: Connection) -> None:
    user = await user_of(direct)
    await accounts.update_profile(direct, user, '{"phone": "1", "user_id": "00000000-0000-0000-0000-000000000000"}')
    assert (await accounts.me(direct, user) or {})["phone"] == "1"
    await accounts.anonymise(direct, user)
    row = await accounts.me(direct, user)
    assert row is not None
    assert (row["full_name"], row["phone"]) == (None, None)
    assert str(user) in row["email"]
    assert await user_of(direct) != user, "the address is free again"
    assert len(await accounts.everybody(direct)) == 2
