"""The audit log as people see it: who, what, when, why; page by page; checked; taken away and checked again."""

from frostguard.store import audit
from tests.api.world import Api, Organization, World


async def some_changes(api: Api, org: Organization, count: int = 5) -> None:
    for n in range(count):
        await api.put(f"/units/{org.unit}", {"notes": f"ä {n}"}, org.owner)
    await api.patch(f"/sites/{org.site}", {"city": "Ulm"}, org.token("admin"))


async def test_entries_are_paged_newest_first_and_filtered(api: Api, world: World) -> None:
    org = await world.organization()
    await some_changes(api, org)
    found, path = [], f"/organizations/{org.id}/audit?limit=4"
    while path:
        page = await api.get(path, org.owner)
        found += page.json
        path = page.headers.get("Link", "").partition("<")[2].partition(">")[0]
    assert [each["n"] for each in found] == [6, 5, 4, 3, 2, 1]
    base = f"/organizations/{org.id}/audit"
    admin = world.program.signer.verify(org.token("admin")).user
    for query, count in (
        ("?action=unit", 5), ("?action=unit.updated", 5), ("?action=site", 1), (f"?actorId={admin}", 1),
        (f"?objectId={org.site}", 1), ("?since=2999-01-01T00:00:00Z", 0), ("?until=2999-01-01T00:00:00Z", 6),
    ):  # fmt: skip
        assert len((await api.get(base + query, org.owner)).json) == count, query
    for query in ("?since=2020-01-01", "?since=2020-01-01T00:00:00", "?cursor=WyJ4Il0", "?action=%25", "?limit=1001"):
        assert (await api.get(base + query, org.owner)).status == 422, query


async def test_only_owners_and_admins_read_the_whole_log(api: Api, world: World) -> None:
    org = await world.organization()
    for role, token in org.tokens.items():
        status = (await api.get(f"/organizations/{org.id}/audit", token)).status
        assert status == (200 if role in {"owner", "admin"} else 403)


async def test_a_chain_is_checked_and_can_be_taken_away(api: Api, world: World) -> None:
    org = await world.organization()
    await some_changes(api, org)
    check = (await api.get(f"/organizations/{org.id}/audit/verify", org.owner)).json
    assert (check["intact"], check["n"], check["faults"]) == (True, 6, [])
    export = await api.get(f"/organizations/{org.id}/audit/export", org.owner)
    offline = audit.ChainCheck()
    for line in export.body.splitlines():
        offline.take(audit.from_line(line))
    assert (offline.faults, offline.n, offline.head.hex()) == ([], 6, check["head"])
    assert "attachment" in export.headers["Content-Disposition"]


async def test_a_change_behind_our_back_is_found(api: Api, world: World) -> None:
    org = await world.organization()
    await some_changes(api, org)
    await world.sql.execute("alter table audit_log disable trigger append_only")
    await world.sql.execute("update audit_log set new_values = '{}' where chain = $1 and n = 3", org.id)
    check = (await api.get(f"/organizations/{org.id}/audit/verify", org.owner)).json
    assert (check["intact"], [fault["n"] for fault in check["faults"]]) == (False, [3])
