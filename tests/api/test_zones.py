"""Names of time zones."""

from api.zones import is_zone


def test_only_iana_names_are_zones() -> None:
    assert is_zone("Europe/Berlin")
    assert is_zone("UTC")
    for name in ("", "europe/berlin", "/etc/passwd", "../UTC", "GMT+25"):
        assert not is_zone(name)
