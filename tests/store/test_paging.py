"""Pages visit every row once, whatever they are sorted by, also when keys are equal."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from frostguard.store import gateways
from frostguard.store.gateways import Wanted
from frostguard.store.paging import Page
from tests.store.tenants import Tenant


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.integers(1, 7), sort=st.sampled_from(["name", "serial", "createdAt"]), descending=st.booleans())
async def test_pages_visit_every_row_once(direct, own: Tenant, size: int, sort: str, descending: bool) -> None:
    await direct.execute(
        "insert into gateways (organization_id, serial, name)"
        " select $1, 'gw' || n, 'same ' || n % 3 from generate_series(1, 12) n on conflict do nothing",
        own.id,
    )
    found, key, last = [], None, None
    while True:
        rows = await gateways.page(direct, own.id, Page(sort, descending, key, last, size), Wanted())
        found += [row["id"] for row in rows]
        if len(rows) < size:
            break
        key, last = rows[-1]["sort_key"], rows[-1]["id"]
    whole = [row["id"] for row in await gateways.page(direct, own.id, Page(sort, descending, limit=100), Wanted())]
    assert found == whole
    assert len(set(found)) == 13
