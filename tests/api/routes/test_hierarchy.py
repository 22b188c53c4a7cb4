"""The hierarchy family of the table: what its rows must have in common."""

from api.routes import ROUTES
from api.routes.hierarchy import ROUTES as FAMILY
from frostguard.domain.access import Action


def test_units_are_changed_by_whoever_may_change_units() -> None:
    assert set(FAMILY) <= set(ROUTES)
    for method in ("PUT", "PATCH"):
        [route] = [each for each in FAMILY if each.name == f"{method} /units/{{unitId}}"]
        assert route.gate is Action.UNITS_UPDATE
