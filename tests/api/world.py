"""Two organizations with everything in them, a user for every role, and a client that checks what it is answered."""

import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from aiohttp import ClientSession
from multidict import CIMultiDictProxy
from pydantic import TypeAdapter

from api.frame import SECURITY_HEADERS
from api.handlers import page
from api.program import Program
from api.routing import Route
from api.shapes.common import Problem
from frostguard.domain.access import Role
from frostguard.security import hash_token
from frostguard.store.sessions import Client as SessionClient
from frostguard.store.sessions import begin

PASSWORD = "correct horse"
PROBLEMS = TypeAdapter(Problem)


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Api:
    """Talks to a running program, and fails a test for every answer that the route table does not promise."""

    def __init__(self, http: ClientSession, base: str, program: Program) -> None:
        self.http = http
        self.base = base
        self.program = program
        self._routes = [(r, [p.startswith("{") for p in r.path.split("/")], r.path.split("/")) for r in program.routes]
        self._adapters: dict[str, TypeAdapter[Any]] = {}

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        token: str | None = None,
        *,
        headers: dict[str, str] | None = None,
        raw: bytes | None = None,
        check: bool = True,
    ) -> Reply:
        sent = {"Content-Type": "application/json"} if body is not None or raw is not None else {}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        async with self.http.request(method, self.base + path, data=data, headers={**sent, **(headers or {})}) as got:
            reply = Reply(got.status, got.headers, await got.read())
        if check:
            self.check(method, path, reply)
        return reply

    async def get(self, path: str, token: str | None = None, **more: Any) -> Reply:
        return await self.call("GET", path, None, token, **more)

    async def post(self, path: str, body: object = None, token: str | None = None, **more: Any) -> Reply:
        return await self.call("POST", path, body, token, **more)

    async def put(self, path: str, body: object = None, token: str | None = None, **more: Any) -> Reply:
        return await self.call("PUT", path, body, token, **more)

    async def patch(self, path: str, body: object = None, token: str | None = None, **more: Any) -> Reply:
        return await self.call("PATCH", path, body, token, **more)

    async def delete(self, path: str, body: object = None, token: str | None = None, **more: Any) -> Reply:
        return await self.call("DELETE", path, body, token, **more)

    def route_of(self, method: str, path: str) -> Route | None:
        parts = path.partition("?")[0].split("/")
        for route, free, names in self._routes:
            same = route.method == method and len(parts) == len(names)
            if same and all(f or p == n for p, n, f in zip(parts, names, free, strict=True)):
                return route
        return None

    def check(self, method: str, path: str, reply: Reply) -> None:
        """Whatever is answered: security headers, a declared status, the declared shape or a problem."""
        route = self.route_of(method, path)
        of_the_page = route is not None and route.handler.__module__ == page.__name__ and reply.status < 400
        own = {"Content-Security-Policy", "Cache-Control"} if of_the_page else {"Content-Security-Policy"}
        for name, value in SECURITY_HEADERS.items():
            if name not in own:
                assert reply.headers.get(name) == value, (method, path, name)
        assert reply.headers["X-Request-Id"]
        if reply.status >= 400:
            assert reply.headers["Content-Type"] == "application/problem+json", (method, path, reply)
            problem = PROBLEMS.validate_json(reply.body)
            assert problem.status == reply.status
            assert problem.error == problem.detail
            if route is not None:
                assert reply.status in route.statuses, (route.name, reply)
            return
        assert route is not None, (method, path, reply)
        assert reply.status in ({route.status, 304} if of_the_page else {route.status}), (route.name, reply)
        if route.answer is not None:
            adapter = self._adapters.setdefault(route.name, TypeAdapter(route.answer))
            adapter.validate_json(reply.body, strict=True)


@dataclass
class Organization:
    """One organization and one of everything in it."""

    id: UUID
    site: UUID
    area: UUID
    unit: UUID
    sensor: UUID
    gateway: UUID
    alert: UUID
    slug: str
    users: dict[Role, UUID] = field(default_factory=dict)
    tokens: dict[Role, str] = field(default_factory=dict)

    def token(self, role: str) -> str:
        return self.tokens[Role(role)]

    @property
    def owner(self) -> str:
        return self.tokens[Role.OWNER]


class World:
    """Makes users, sessions and objects without the API, so that a test says only what it is about."""

    def __init__(self, program: Program, connection: asyncpg.Connection) -> None:
        self.program = program
        self.sql = connection

    async def user(self, email: str | None = None, *, password_hash: str | None = None) -> UUID:
        email = email or f"{secrets.token_hex(4)}@example.com"
        user = await self.sql.fetchval(
            "insert into users (email, password_hash) values ($1, $2) returning id", email, password_hash
        )
        await self.sql.execute(
            "insert into profiles (user_id, email, full_name) values ($1, $2, 'Kim Doe')", user, email
        )
        return user

    async def member(self, organization: UUID, role: str, user: UUID | None = None) -> UUID:
        user = user or await self.user()
        await self.sql.execute(
            "insert into user_roles (user_id, organization_id, role) values ($1, $2, $3::text::app_role)",
            user, organization, str(role),
        )  # fmt: skip
        await self.sql.execute("update profiles set organization_id = $2 where user_id = $1", user, organization)
        return user

    async def token(self, user: UUID) -> str:
        session = await begin(
            self.sql, user, SessionClient("127.0.0.1", "test"), self.program.lives, hash_token(secrets.token_hex())
        )
        return self.program.signer.issue(user, session)

    async def site(self, organization: UUID, *, deleted: bool = False) -> UUID:
        return await self.sql.fetchval(
            "insert into sites (organization_id, name, deleted_at) values ($1, $2, case when $3 then now() end)"
            " returning id",
            organization, f"Site {uuid4()}", deleted,
        )  # fmt: skip

    async def area(self, organization: UUID, site: UUID, *, deleted: bool = False) -> UUID:
        return await self.sql.fetchval(
            "insert into areas (organization_id, site_id, name, deleted_at)"
            " values ($1, $2, $3, case when $4 then now() end) returning id",
            organization, site, f"Area {uuid4()}", deleted,
        )  # fmt: skip

    async def unit(self, organization: UUID, area: UUID, *, deleted: bool = False) -> UUID:
        return await self.sql.fetchval(
            "insert into units (organization_id, area_id, name, deleted_at)"
            " values ($1, $2, $3, case when $4 then now() end) returning id",
            organization, area, f"Unit {uuid4()}", deleted,
        )  # fmt: skip

    async def sensor(self, organization: UUID, unit: UUID | None = None, *, deleted: bool = False) -> UUID:
        return await self.sql.fetchval(
            "insert into sensors (organization_id, serial, unit_id, assigned_at, deleted_at)"
            " values ($1, $2, $3::uuid, case when $3::uuid is not null then now() end, case when $4 then now() end)"
            " returning id",
            organization, secrets.token_hex(8), unit, deleted,
        )  # fmt: skip

    async def gateway(self, organization: UUID, *, deleted: bool = False) -> UUID:
        return await self.sql.fetchval(
            "insert into gateways (organization_id, serial, name, deleted_at)"
            " values ($1, $2, 'Gateway', case when $3 then now() end) returning id",
            organization, f"gw-{secrets.token_hex(4)}", deleted,
        )  # fmt: skip

    async def alert(self, organization: UUID, site: UUID | None, unit: UUID, **more: Any) -> UUID:
        """An open temperature alarm, or what `more` makes of it (columns)."""
        values = {
            "id": uuid4(), "organization_id": organization, "subject_id": unit, "unit_id": unit, "site_id": site,
            "alert_type": "alarm_active", "severity": "critical", "status": "active", "title": "Temperature alarm",
            "celsius": 9.5, "limits": '{"low": -1.0, "high": 5.0}', "opened_at": datetime.now(UTC),
        } | more  # fmt: skip
        columns, marks = ", ".join(values), ", ".join(f"${n}" for n in range(1, len(values) + 1))
        return await self.sql.fetchval(
            f"insert into alerts ({columns}) values ({marks}) returning id", *values.values()
        )

    async def organization(self, *, people: bool = True) -> Organization:
        slug = f"o-{secrets.token_hex(4)}"
        one = await self.sql.fetchval("insert into organizations (name, slug) values ($1, $2) returning id", slug, slug)
        site = await self.site(one)
        area = await self.area(one, site)
        unit = await self.unit(one, area)
        sensor, gateway, alert = await self.sensor(one), await self.gateway(one), await self.alert(one, site, unit)
        made = Organization(one, site, area, unit, sensor, gateway, alert, slug)
        for role in Role if people else (Role.OWNER,):
            made.users[role] = await self.member(one, role)
            made.tokens[role] = await self.token(made.users[role])
        return made

    async def audited(self) -> int:
        """How many entries there are in all chains."""
        return await self.sql.fetchval("select count(*) from audit_log")

    async def last_entry(self) -> asyncpg.Record:
        return await self.sql.fetchrow("select * from audit_log order by at desc, n desc limit 1")
