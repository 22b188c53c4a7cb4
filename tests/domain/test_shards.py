"""Which daemon an organization belongs to, and which silences count for it."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostguard.domain.outages import Outage
from frostguard.domain.shards import WHOLE, Shard, Silences, parse_shard, shard_of
from tests.domain.stories import moment


@given(st.uuids(), st.integers(1, 1024))
def test_an_organization_is_of_exactly_one_shard(organization: UUID, shards: int) -> None:
    assert [n for n in range(shards) if Shard(n, shards).has(organization)] == [shard_of(organization, shards)]


def test_random_ids_are_spread_evenly() -> None:
    counts = [0] * 4
    for _ in range(4000):
        counts[shard_of(uuid4(), 4)] += 1
    assert min(counts) > 800


@pytest.mark.parametrize(
    ("text", "shard"),
    [("0/1", WHOLE), ("0", WHOLE), ("0/4", Shard(0, 4)), ("3-of-4", Shard(3, 4)), ("1023/1024", Shard(1023, 1024))],
)
def test_a_shard_is_read_as_people_and_units_of_systemd_write_it(text: str, shard: Shard) -> None:
    assert parse_shard(text) == shard
    assert parse_shard(str(shard)) == shard


@pytest.mark.parametrize("text", ["", "1", "4/4", "-1/4", "0/0", "1/2/3", "a/b", "0/", "0/1025", "0-of-", "½/2"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="shard"):
        parse_shard(text)


def test_the_only_one_has_the_plain_name() -> None:
    assert WHOLE.suffix == ""
    assert Shard(2, 4).suffix == "-2-of-4"


@given(st.uuids(), st.integers(1, 60), st.integers(1, 60))
def test_shards_of_two_layouts_meet_where_an_organization_can_be_in_both(
    organization: UUID, one: int, two: int
) -> None:
    assert Shard(shard_of(organization, one), one).meets(Shard(shard_of(organization, two), two))


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        (WHOLE, Shard(3, 4), True),
        (Shard(0, 2), Shard(2, 4), True),
        (Shard(0, 2), Shard(3, 4), False),
        (Shard(0, 2), Shard(0, 3), True),
    ],
)
def test_some_shards_share_nothing(one: Shard, other: Shard, meet: bool) -> None:
    assert one.meets(other) is other.meets(one) is meet


def span(n: int) -> Outage:
    return Outage(moment(str(10 * n)), moment(str(10 * n + 5)))


def test_silences_follow_an_organization_from_layout_to_layout() -> None:
    history = [(WHOLE, span(0)), (Shard(0, 2), span(1)), (Shard(1, 2), span(2)), (Shard(1, 4), span(3))]
    whole = Silences(WHOLE, history)
    assert whole.same is None
    assert whole.of(UUID(int=4)) == (span(0), span(1))
    assert whole.of(UUID(int=3)) == (span(0), span(2))
    assert whole.of(UUID(int=5)) == (span(0), span(2), span(3))
    whole.add(span(4))
    assert whole.of(UUID(int=3)) == (span(0), span(2), span(4))


def test_where_all_organizations_of_a_shard_had_the_same_shards_the_silences_are_the_same() -> None:
    first = Silences(Shard(1, 4), [(WHOLE, span(0)), (Shard(1, 2), span(1)), (Shard(1, 4), span(2))])
    assert first.same == first.of(UUID(int=5)) == (span(0), span(1), span(2))
    assert Silences().same == ()


def test_only_so_many_silences_are_kept() -> None:
    kept = Silences(WHOLE, kept=2)
    for n in range(5):
        kept.add(span(n))
    assert kept.same == (span(2), span(3), span(4))
