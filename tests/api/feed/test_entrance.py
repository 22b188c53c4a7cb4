"""Who comes in: from where, with what, and until when."""

import time

from tests.api.world import Api, World


async def test_tickets_differ_and_are_not_stored_as_they_are(api: Api, world: World) -> None:
    org = await world.organization()
    tickets = [(await api.post("/auth/ticket", token=org.owner)).json["ticket"] for _ in range(3)]
    assert len(set(tickets)) == 3
    stored = await world.sql.fetch("select hash, expires_at from feed_tickets")
    assert len(stored) == 3
    assert not any(ticket.encode() in bytes(row["hash"]) for ticket in tickets for row in stored)
    assert all(25 < row["expires_at"].timestamp() - time.time() < 35 for row in stored)


async def test_a_ticket_goes_with_its_session(api: Api, world: World) -> None:
    org = await world.organization()
    ticket = (await api.post("/auth/ticket", token=org.owner)).json["ticket"]
    await world.sql.execute("update sessions set revoked_at = now()")
    assert (await api.get(f"/events?topic=org:{org.id}:units&ticket={ticket}")).status == 401
