"""Accounts: what a person can do with his own, and what nobody learns about another's."""

from api.handlers.accounts import slug_of
from tests.api.conftest import Running, serving
from tests.api.deeds import HASH, mailed_token, signed_in
from tests.api.world import PASSWORD, Api, World

NEW = {"email": "Ada@Example.com", "password": PASSWORD, "fullName": "Ada", "organizationName": "Kühl & Co"}


async def login(api: Api, email: str = "ada@example.com", password: str = PASSWORD, **more: object):
    return await api.post("/auth/login", {"email": email, "password": password}, **more)


async def test_who_registers_with_an_organization_owns_it(api: Api) -> None:
    assert (await api.post("/auth/register", NEW)).json == {"status": "ok", "verificationRequired": False}
    token = (await login(api)).json["access_token"]
    me = (await api.get("/auth/me", token)).json
    assert (me["email"], me["fullName"], me["role"], me["emailVerified"]) == ("ada@example.com", "Ada", "owner", False)
    [membership] = me["memberships"]
    assert (membership["organizationName"], membership["slug"]) == ("Kühl & Co", "kuhl-co")
    assert "organization.delete" in me["permissions"]


async def test_two_organizations_of_one_name_get_two_slugs(api: Api, world: World) -> None:
    await api.post("/auth/register", NEW)
    await api.post("/auth/register", {**NEW, "email": "b@example.com"})
    slugs = [row[0] for row in await world.sql.fetch("select slug from organizations order by created_at")]
    assert slugs[0] == "kuhl-co"
    assert slugs[1].startswith("kuhl-co-")


def test_a_slug_is_made_of_any_name() -> None:
    assert slug_of("  Ärzte & Söhne GmbH ") == "arzte-sohne-gmbh"
    assert slug_of("冷蔵庫").startswith("org-")
    assert len(slug_of("x" * 100)) == 40


async def test_registering_a_known_address_tells_its_owner_and_nobody_else(api: Api, world: World, mails) -> None:
    await world.user("ada@example.com", password_hash=HASH)
    known = await api.post(
        "/auth/register", {**NEW, "password": "quite another"}, headers={"X-Request-Id": "same-one-here"}
    )
    free = await api.post(
        "/auth/register", {**NEW, "email": "b@example.com"}, headers={"X-Request-Id": "same-one-here"}
    )
    assert (known.status, known.body) == (free.status, free.body)
    [mail] = await mails()
    assert "You already have an account" in mail
    assert (await login(api)).status == 200, "the password is still the old one"


async def test_weak_passwords_are_refused_clearly(api: Api) -> None:
    for password, why in (
        ("short", "8 to 72 bytes"),
        ("é" * 37, "8 to 72 bytes"),
        ("password123", "too easy"),
        ("ADA@example.com", "too easy"),
    ):
        reply = await api.post("/auth/register", {**NEW, "password": password})
        assert reply.status == 422
        assert reply.json["errors"][0]["field"] == "password"
        assert why in reply.json["error"]
    assert (await api.post("/auth/register", {**NEW, "password": "é" * 36})).status == 201


async def test_closed_registration_is_by_invitation(database: str) -> None:
    async with serving(database, REGISTRATION="closed") as running:
        assert (await running.api.post("/auth/register", NEW)).status == 403


async def test_an_address_can_have_to_be_verified_first(database: str, tmp_path) -> None:
    async with serving(database, REQUIRE_VERIFIED_EMAIL=True, MAIL_DIR=tmp_path) as running:
        api = running.api
        assert (await api.post("/auth/register", NEW)).json["verificationRequired"] is True
        assert (await login(api)).status == 401
        await api.post("/auth/verify/resend", {"email": "ada@example.com"})
        await running.program.outbox.send_due()
        first, second = [path.read_text() for path in sorted(tmp_path.glob("*.eml"))]
        assert (await api.post("/auth/verify", {"token": token_in(first)})).status == 422, "the newer one counts"
        assert (await api.post("/auth/verify", {"token": token_in(second)})).status == 200
        assert (await api.post("/auth/verify", {"token": token_in(second)})).status == 422, "once"
        assert (await login(api)).status == 200
        await api.post("/auth/verify/resend", {"email": "ada@example.com"})
        await running.program.outbox.send_due()
        assert len(list(tmp_path.glob("*.eml"))) == 2, "a verified address gets no third mail"


def token_in(mail: str) -> str:
    """The token in the link of a mail."""
    plain = mail.replace("=\n", "").replace("=3D", "=")
    return plain.partition("#token=")[2].split()[0]


async def test_a_profile_changes_only_what_is_named(api: Api, world: World) -> None:
    org = await world.organization()
    await api.patch("/auth/me", {"fullName": "Ada", "phone": "1"}, org.owner)
    me = (await api.patch("/auth/me", {"phone": None}, org.owner)).json
    assert (me["fullName"], me["phone"]) == ("Ada", None)
    assert (await api.patch("/auth/me", {}, org.owner)).status == 422
    for body in (
        {"organizationId": str(org.id)},
        {"email": "x@example.com"},
        {"role": "owner"},
        {"avatarUrl": "http://x"},
    ):
        assert (await api.patch("/auth/me", body, org.owner)).status == 422, body


async def test_the_chosen_organization_is_remembered(api: Api, world: World) -> None:
    one, two = await world.organization(), await world.organization()
    user = await world.member(one.id, "viewer")
    await world.member(two.id, "manager", user)
    token = await world.token(user)
    assert (await api.get("/auth/me", token)).json["role"] == "manager"
    assert (await api.put("/auth/organization", {"organizationId": str(one.id)}, token)).status == 200
    me = (await api.get("/auth/me", token)).json
    assert (me["organizationId"], me["role"]) == (str(one.id), "viewer")


async def test_an_account_is_closed_by_its_password_only(api: Api, world: World) -> None:
    org = await world.organization()
    token = await signed_in(world, org, "viewer")
    assert (await api.delete("/account", {"password": "wrong horse"}, token)).status == 403
    user = world.program.signer.verify(token).user
    assert (await api.delete("/account", {"password": PASSWORD}, token)).status == 200
    assert (await api.get("/auth/me", token)).status == 401
    row = await world.sql.fetchrow(
        "select u.email, u.password_hash, p.full_name from users u join profiles p on p.user_id = u.id where u.id = $1",
        user,
    )
    assert row["email"].startswith("deleted-")
    assert (row["password_hash"], row["full_name"]) == (None, None)


async def test_a_last_owner_hands_over_before_he_goes(api: Api, world: World) -> None:
    org = await world.organization()
    reply = await api.delete("/account", {"password": PASSWORD}, await signed_in(world, org))
    assert reply.status == 409
    assert org.slug in reply.json["error"]


async def test_tokens_of_one_purpose_do_not_serve_the_other(running: Running) -> None:
    api, world = running.api, running.world
    user = await world.user()
    verify = await mailed_token(world, user, "verify")
    assert (await api.post("/auth/password/reset", {"token": verify, "password": PASSWORD})).status == 422
    reset = await mailed_token(world, user, "reset")
    assert (await api.post("/auth/verify", {"token": reset})).status == 422
