"""Names that Prometheus sees."""

from api.metrics import Metrics


def test_every_name_begins_alike_and_two_programs_do_not_mix() -> None:
    one, two = Metrics(), Metrics()
    one.connections.set(5)
    assert b"frostguard_api_connections 5.0" in one.exposition()
    assert b"frostguard_api_connections 0.0" in two.exposition()
    names = [family.name for family in one.registry.collect()]
    assert all(name.startswith(("frostguard_api_", "frostguard_chore_", "frostguard_archive_")) for name in names)
